# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Guests whose disks are those of a server that lies and fails as the guest tells it. Sourced by
# integration/test-storage, tiny.sh before. They work in a folder of their own: they may run beside others.
: "${top:?}" "${work=}"
volumes=$top/services/storage/tests/volumes

# The disks that are made outside, and those that are kept, as files in $work
faulty_disks() {
  local d f
  rm -f "$work"/kept-*.img
  for f in "$volumes"/*.xz; do
    d=${f##*/} d=${d%.xz} d=${d%.img} # made.img.xz is the disk `made`, made.data.xz what is in it, `made-data`
    xz -dc "$f" > "$work/kept-${d/.data/-data}.img"
  done
  rm -f "$work/plain.img" "$work/table.img"
  truncate -s 64M "$work/plain.img"
  mkdir -p "$work/known"
  echo 'what was written must be read again' > "$work/known/known"
  mkfs.ext4 -q -F -b 4096 -d "$work/known" "$work/plain.img" || die "mkfs.ext4"
  truncate -s 160M "$work/table.img"
  sgdisk -n 1:1M:+100M -c 1:metadata -n 2:101M:0 -c 2:data "$work/table.img" > /dev/null || die "sgdisk"
  for d in checksum xfs random island torn good; do
    f=$work/meta-$d.img
    cp --sparse=always "$work/table.img" "$f"
    case $d in
      random) dd if=/dev/urandom of="$f" bs=1M count=4 seek=10 conv=notrunc status=none ;;
      island) printf found | dd of="$f" bs=1K seek=$((61 * 1024 + 300)) conv=notrunc status=none ;;
      xfs) printf 'XFSB' > "$work/magic"
        # mkfs.xfs makes none of 100 MiB unless it runs in a test
        truncate -s 0 "$work/meta.part" && truncate -s 100M "$work/meta.part"
        TEST_DIR=1 TEST_DEV=1 QA_CHECK_FS=1 mkfs.xfs -q -f "$work/meta.part" || die "mkfs.xfs"
        dd if="$work/meta.part" of="$f" bs=1M seek=1 conv=notrunc,sparse status=none ;;
      *) truncate -s 0 "$work/meta.part" && truncate -s 100M "$work/meta.part"
        echo wrapped > "$work/known/keyfile"
        mkfs.ext4 -q -F -L metadata -d "$work/known" "$work/meta.part" || die "mkfs.ext4"
        rm "$work/known/keyfile"
        # a byte of the superblock's volume name; a block of the inode table
        [ $d != checksum ] || printf X | dd of="$work/meta.part" bs=1 seek=$((1024 + 120)) conv=notrunc status=none
        [ $d != torn ] || spoil_inodes "$work/meta.part"
        dd if="$work/meta.part" of="$f" bs=1M seek=1 conv=notrunc,sparse status=none ;;
    esac
  done
}

# The first block of the inode table, which holds the root folder
spoil_inodes() {
  local at
  at=$(dumpe2fs "$1" 2> /dev/null | sed -n 's/.*Inode table at \([0-9]*\)-.*/\1/p' | head -1)
  dd if=/dev/urandom of="$1" bs="$(blkid -o value -s BLOCK_SIZE "$1")" seek="$at" count=1 conv=notrunc status=none
}

faulty_boot() { # faulty_boot NAME CASE...
  local name=$1 socket=$work/$1.nbd status=0 server cases d f load=()
  shift
  cases=$(IFS=,; echo "$*")
  rm -f "$socket" "$work/$name.qmp"
  for f in "$work"/kept-*.img; do
    d=${f##*/kept-}
    load+=(--load "${d%.img}=$f")
  done
  for f in plain table meta-checksum meta-xfs meta-random meta-island meta-torn meta-good; do
    load+=(--load "$f=$work/$f.img")
  done
  [ "$name" = plug ] || load=()
  "$top/integration/tests/storage/disk-server" "$socket" 160 --qmp "$work/$name.qmp" "${load[@]}" \
    2> "$work/server-$name.log" &
  server=$!
  wait_for 60 test -S "$socket" || echo "the server of $name did not start" >&2
  # 15 minutes: a machine that is loaded; it takes one or less
  tiny_boot "$name" 900 512 "guest-faults,$cases" -qmp "unix:$work/$name.qmp,server=on,wait=off" \
    -blockdev "driver=nbd,node-name=v,server.type=unix,server.path=$socket,export=victim" \
    -device "virtio-blk-pci,drive=v,serial=victim,id=victim,request-merging=off" \
    -blockdev "driver=nbd,node-name=c,server.type=unix,server.path=$socket,export=control" \
    -device virtio-blk-pci,drive=c,serial=control || status=1
  stop_process "$server"
  echo "$status" > "$work/status-$name"
}

# faulty_start NAME...: one after the other; for the background
faulty_start() {
  work=$work/faulty
  local name
  for name in "$@"; do faulty_run "$name"; done
}

faulty_run() {
  case "$1" in
    lies) faulty_boot lies mutations lies ;;
    faults) faulty_boot faults reads slow writes ;;
    thousand | hundred) faulty_boot "$1" "$1" ;;
    plug) faulty_disks && faulty_boot plug kept metadata plug ;;
  esac
}

faulty_result() {
  local work=$work/faulty f d
  tiny_results "$1"
  [ "$1" != plug ] || for f in "$volumes"/*.img.xz; do
    d=${f##*/}
    grep -qE "^ok [0-9]+ - kept disk ${d%.img.xz}[,:]" "$work/console-plug"
    result $? "plug: the kept disk ${d%.img.xz} was tried"
  done
  result "$(cat "$work/status-$1")" "$1: the guest came to its end"
}
