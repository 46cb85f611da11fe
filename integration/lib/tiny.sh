# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A guest of kernel, busybox and one test program, for tests that need real block devices or network
# interfaces. Sources common.sh and kernel.sh before; $work is the test's folder, $root its root.

number=0 bad=0
tiny_machine=x86_64 tiny_bus=pci tiny_from=''

# tiny_s390x SYSROOT: the guest is a mainframe, with the kernel and the programs that integration/s390x/sysroot
# brought; the files for tiny_program come from $tiny_from or from a cross build
tiny_s390x() {
  tiny_machine=s390x tiny_bus=ccw tiny_from=$1/root
  export tiny_objcopy=s390x-linux-gnu-objcopy
  kernel_root=$1/kernel
  kernel_version=$(< "$kernel_root/version")
}

# The libraries of a program
tiny_ldd() {
  local lib=$tiny_from/lib/s390x-linux-gnu
  if [ -z "$tiny_from" ]; then
    ldd "$1"
  else
    qemu-s390x-static -L "$tiny_from" "$tiny_from/lib/ld64.so.1" --library-path "$lib:${lib/lib/usr/lib}" --list "$1"
    echo "$tiny_from/lib/ld64.so.1"
  fi
}

result() { # result STATUS NAME
  number=$((number + 1))
  if [ "$1" -eq 0 ]; then echo "ok $number - $2"; else echo "not ok $number - $2"; bad=1; fi
}

tiny_program() { # tiny_program FILE TARGET: with the libraries it is linked to
  local lib
  install -D -m 755 "$1" "$root$2"
  tiny_ldd "$1" | sed 's/.*=> //' | grep -oE '/[^ ]+' | while read -r lib; do
    [ -e "$root${lib#"$tiny_from"}" ] || [ ! -e "$lib" ] || install -D -m 755 "$(realpath "$lib")" "$root${lib#"$tiny_from"}"
  done
}

tiny_root() { # tiny_root INIT MODULE...: an empty root with busybox, its first process and modules
  local init=$1
  shift
  root=$work/root
  rm -rf "$root"
  mkdir -p "$root/etc" "$root/sbin"
  install -m 755 "$init" "$root/init"
  install -D -m 755 "$tiny_from/bin/busybox" "$root/bin/busybox"
  printf '%s\n' "$@" > "$work/modules"
  kernel_modules "$work/modules" "$root/modules"
}

tiny_pack() { (cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) > "$work/initrd"; }

# no_timer_check: the kernel would stop where the emulator gets too little time for its test of the timer.
# qemu64: without vector instructions, which the emulator is slow at; OpenSSL is twice as fast then. TINY_CPU:
# another model; TINY_APPEND: more words for the kernel
#
# tiny_boot NAME SECONDS MEMORY_MB PROGRAM[,ARGUMENT]... QEMU-ARGUMENT...: the console goes to
# $work/console-NAME; status 0 when the program of the guest ended with 0
tiny_boot() {
  local name=$1 limit=$2 memory=$3 run=$4 console='ttyS0 no_timer_check' machine=(-cpu "${TINY_CPU:-qemu64}" -nic none -serial chardev:console)
  shift 4
  if [ $tiny_machine = s390x ]; then
    console=ttysclp0 machine=(-machine s390-ccw-virtio -cpu max -device "sclpconsole,chardev=console")
  fi
  timeout "$limit" qemu-system-$tiny_machine -accel tcg -smp 1 -m "$memory" -no-reboot -nographic -nodefaults \
    -chardev "file,id=console,path=$work/console-$name" "${machine[@]}" \
    -kernel "$kernel_root/boot/vmlinuz-$kernel_version" -initrd "$work/initrd" \
    -append "console=$console quiet panic=-1${TINY_APPEND:+ $TINY_APPEND} case=$name run=$run" "$@"
  # tr: the console ends its lines with CR LF
  tr -d '\r' < "$work/console-$name" | grep -x "END $name status 0" > /dev/null
}

# tiny_results NAME: the TAP lines of a console become those of this test
tiny_results() {
  local line
  while IFS= read -r line; do
    case "$line" in
      "ok "*"# SKIP"*) number=$((number + 1)); echo "ok $number - $1: ${line#*- }" ;;
      "ok "*) result 0 "$1: ${line#*- }" ;;
      "not ok "*) result 1 "$1: ${line#*- }" ;;
      "# "* | "Bail out!"*) echo "# ${line#\# }" ;;
    esac
  done < <(tr -d '\r' < "$work/console-$1")
}
