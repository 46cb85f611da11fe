# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The tree of the guest's root, in two archives that follow one another in root.tar.gz: the base
# (Debian packages, pruned; made when the list of packages changes) and what is ours.
here=$top/integration
tar_same=(tar --sort=name --mtime=@1700000000 --numeric-owner --format=gnu)

root_packages() { cat "$here/image/base-packages" "$top"/services/*/packages | sed '/^#/d; /^$/d' | sort -u; }

# root_base: sets base_tar, base_gz, base_list (package, version, architecture a line)
root_base() {
  local id dir
  id=$({ root_packages; cat "$here/image/prune" "$here/lib/root.sh"; } | sha256sum | cut -c1-16)
  dir=$cache/base/$id
  base_tar=$dir/base.tar base_gz=$dir/base.tar.gz base_list=$dir/packages
  [ ! -e "$dir/done" ] || return 0
  say "base of the guest: packages from Debian"
  rm -rf "$dir"
  mkdir -p "$dir/tree"
  # "extract": no package's scripts run; what they would do and the guest needs, root_fix does
  mmdebstrap --quiet --variant=extract --format=directory \
    --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --aptopt='APT::Install-Recommends "false"' \
    --extract-hook="ls \$1/var/cache/apt/archives | grep '\\.deb\$' > $dir/debs" \
    --include="$(root_packages | paste -sd,)" bookworm "$dir/tree" 2> "$dir/log" ||
    { cat "$dir/log" >&2; die "mmdebstrap failed"; }
  sed 's/%3a/:/g; s/\.deb$//; s/_/ /g' "$dir/debs" | sort > "$base_list"
  [ -s "$base_list" ] || die "mmdebstrap named no packages"
  root_fix "$dir/tree"
  root_prune "$dir/tree"
  say "base of the guest: pack ($(du -sm "$dir/tree" | cut -f1) MB)"
  # without the two empty blocks at its end, so that another archive may follow
  (cd "$dir/tree" && "${tar_same[@]}" --blocking-factor=1 --exclude='./dev/*' -cf - .) |
    head -c -1024 > "$base_tar"
  gzip -n -6 < "$base_tar" > "$base_gz"
  rm -rf "$dir/tree"
  touch "$dir/done"
}

root_fix() {
  local t=$1 f
  ldconfig -r "$t"
  mkdir -p "$t/etc/ssl/certs"
  cat "$t"/usr/share/ca-certificates/mozilla/*.crt > "$t/etc/ssl/certs/ca-certificates.crt"
  rm -rf "$t/usr/share/ca-certificates"
  for f in iptables ip6tables; do
    ln -sf "$f-nft" "$t/usr/sbin/$f"
    ln -sf "$f-nft-save" "$t/usr/sbin/$f-save"
    ln -sf "$f-nft-restore" "$t/usr/sbin/$f-restore"
  done
  # bytecode of podman-compose's imports is made now, not at each boot
  find "$t" -name __pycache__ -prune -exec rm -rf {} +
}

root_prune() {
  local t=$1 pattern
  while read -r pattern; do
    # shellcheck disable=SC2086 # patterns are expanded
    (cd "$t" && rm -rf $pattern)
  done < <(sed '/^#/d; /^$/d' "$here/image/prune")
  find "$t" -xtype l -path '*/alternatives/*' -delete
}

# root_modules DIR: kernel modules that are loaded when a volume has their filesystem (runtime/modprobe)
root_modules() {
  local list
  for list in "$here"/image/modules-fs-*; do
    kernel_modules "$list" "$1/usr/lib/hpl/modules/${list##*/modules-}"
  done
  install -d "$1/usr/sbin"
  ln -s ../libexec/hpl/hpl-modprobe "$1/usr/sbin/modprobe"
}

# root_overlay DIR BUILD SETTINGS: what is ours: programs, manifests, profiles, modules, files of the services
root_overlay() {
  local t=$1 build=$2 settings=$3 d
  install -d "$t" "$t"/{proc,sys,dev,run,mnt,data1,root,tmp,etc/hpl,var/lib/hpl,var/lib/containers,var/hyperprotect,var/log,var/tmp,var/cache,var/spool/rsyslog,usr/share/hpl}
  chmod 1777 "$t/tmp" "$t/var/tmp"
  chmod 700 "$t/root"
  cp -a "$here/image/rootfs/." "$t/"
  DESTDIR=$t meson install -C "$build" --no-rebuild --quiet --strip > /dev/null
  # of what meson installs the guest gets the programs and their data, not the bootloader
  find "$t/usr" -mindepth 1 -maxdepth 1 ! -name libexec ! -name share -exec rm -rf {} +
  find "$t/usr/share" -mindepth 1 -maxdepth 1 ! -name hpl -exec rm -rf {} +
  rm -f "$t/usr/libexec/hpl/hpl-bootloader"
  root_modules "$t"
  for d in "$top"/services/*/rootfs; do
    [ ! -d "$d" ] || cp -a "$d/." "$t/"
  done
  cp "$settings" "$t/etc/hpl/settings.yaml"
  chown -R 0:0 "$t"
  chmod -R u+w,go-w "$t"
  chmod 1777 "$t/tmp" "$t/var/tmp"
  chmod 700 "$t/root"
  chown 806:806 "$t/var/hyperprotect" # the attestation service lays it out
}

# root_service OVERLAY MANIFEST PROGRAM: one more service, named in the profile
root_service() {
  local t=$1 name program
  name=$(sed -n 's/^name: *\([a-z0-9-]*\)$/\1/p' "$2")
  program=$(sed -n 's/^program: *\([a-z0-9-]*\)$/\1/p' "$2")
  [ -n "$name" ] && [ -n "$program" ] || die "$2 names no service and program"
  install -m 755 -o 0 -g 0 "$3" "$t/usr/libexec/hpl/$program"
  strip --strip-unneeded "$t/usr/libexec/hpl/$program"
  install -m 644 -o 0 -g 0 "$2" "$t/usr/share/hpl/manifests/$name.yaml"
  sed -i "s/^services: \[/&$name, /" "$t"/usr/share/hpl/profiles/*.yaml
}

# root_archive OUT OVERLAY: root.tar.gz, two gzip members
root_archive() {
  { cat "$base_gz"; (cd "$2" && "${tar_same[@]}" -cf - .) | gzip -n -6; } > "$1"
}

# root_check OVERLAY: every program's libraries are in the root
root_check() {
  local t=$1 f lib bad=0
  tar -tf "$base_tar" 2> /dev/null | sed 's#.*/##' | sort -u > "$cache/base-names"
  for f in "$t"/usr/libexec/hpl/*; do
    while read -r lib; do
      grep -qxF "$lib" "$cache/base-names" && continue
      echo "${f##*/} needs $lib, which is in no package of the guest" >&2
      bad=1
    done < <(readelf -d "$f" 2> /dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
  done
  return $bad
}
