# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The kernel of the guest: Debian's for virtual machines, and the modules that the guest needs.

# kernel_fetch: sets kernel_version, kernel_root (the unpacked package); downloaded once a version
kernel_fetch() {
  local name dir
  name=$(apt-cache depends linux-image-cloud-amd64 2> /dev/null |
    awk '/Depends: linux-image/ { print $2; exit }')
  if [ -z "$name" ]; then # the package lists of a fresh machine may be empty
    apt-get -qq update
    name=$(apt-cache depends linux-image-cloud-amd64 |
      awk '/Depends: linux-image/ { print $2; exit }')
  fi
  [ -n "$name" ] || die "no package linux-image-cloud-amd64"
  kernel_version=${name#linux-image-}
  dir=$cache/kernel/$kernel_version
  kernel_root=$dir/root
  [ ! -e "$dir/done" ] || return 0
  say "kernel $kernel_version: download and unpack"
  rm -rf "$dir"
  mkdir -p "$kernel_root"
  (cd "$dir" && apt-get -qq -o APT::Sandbox::User=root download "$name" &&
    dpkg-deb -x linux-image*.deb root && rm -f linux-image*.deb)
  depmod -b "$kernel_root" "$kernel_version"
  touch "$dir/done"
}

# kernel_modules LIST DIR: copies the modules that LIST names, and all that they need, to DIR, with
# DIR/order; parameters behind a name go with it; a name that this kernel does not have as a module
# must be built in. Their type information (BTF), a tenth of a module, is for tracers and left out.
kernel_modules() {
  local list=$1 dir=$2 name parameters files
  mkdir -p "$dir"
  : > "$dir/order"
  while read -r name parameters; do
    if ! files=$(modprobe -d "$kernel_root" -S "$kernel_version" --show-depends "$name" 2> /dev/null); then
      echo "kernel $kernel_version has no module $name" >&2
      continue
    fi
    awk '$1 == "insmod" { print $2 }' <<< "$files" | while read -r f; do
      [ ! -e "$dir/${f##*/}" ] || continue
      "${tiny_objcopy:-objcopy}" --strip-debug -R .BTF "$f" "$dir/${f##*/}"
      case "${f##*/}" in
        "$name".ko*) echo "${f##*/}${parameters:+ $parameters}" >> "$dir/order" ;;
        *) echo "${f##*/}" >> "$dir/order" ;;
      esac
    done
  done < <(sed '/^#/d; /^$/d' "$list")
}
