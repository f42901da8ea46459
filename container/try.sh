#!/bin/bash
# Takes the image's steps without Docker, in a fresh Debian made by debootstrap, and looks at what the container does there:
#   container/try.sh FOLDER [PIP OPTION]...     as root; FOLDER is made, about 750 MB, and stays
# Debian's and Python's packages are fetched as this machine fetches them: apt's and pip's settings go along.
set -euo pipefail
root=$(realpath -m "$1") here=$(cd "$(dirname "$0")/.." && pwd)
if [ "${2-}" != inside ]; then
  [ -e "$root/etc/os-release" ] || debootstrap --variant=minbase trixie "$root" >/dev/null
  exec unshare --mount --pid --fork "$0" "$root" inside
fi

for one in proc dev sys; do mkdir -p "$root/$one"; done
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
cp -L /etc/resolv.conf "$root/etc/"
certs=/etc/ssl/certs/ca-certificates.crt
for one in /etc/pip.conf "$certs"; do
  if [ -e "$one" ]; then mkdir -p "$root$(dirname "$one")" && cp -L "$one" "$root$one"; fi
done
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
sizes() { du -sm --one-file-system --exclude "$root/dev" --exclude "$root/proc" --exclude "$root/photos" "$root" | cut -f1; }

rm -rf "$root/build" "$root/photos" "$root/data"
echo "Debian: $(sizes) MB"
mkdir -p "$root/build/source/tools" "$root/opt/tagroll"
cp "$here/container/install.sh" "$root/build/"
cp -r "$here/pyproject.toml" "$here/README.md" "$here/LICENSE" "$here/src" "$root/build/source/"
cp "$here/tools/package_metadata.py" "$root/build/source/tools/"
inside sh /build/install.sh programs
echo "with programs: $(sizes) MB"
inside SSL_CERT_FILE="$certs" PIP_CERT="$certs" REQUESTS_CA_BUNDLE="$certs" sh /build/install.sh tagroll /build/source
cp "$here"/container/{entrypoint.sh,healthy.py} "$root/opt/tagroll/"
echo "/opt/tagroll: $(du -sm "$root/opt/tagroll" | cut -f1) MB"

cp -r "$here/examples/photos/." "$root/photos/"
chown -R 1234:2345 "$root/photos"
tagroll() { inside PUID=1234 PGID=2345 sh /opt/tagroll/entrypoint.sh "$@"; }
expect() { if ! "${@:2}"; then echo "FAILED: $1" >&2; exit 1; fi; echo "ok: $1"; }

# as root it starts, as another user it works
tagroll tag /photos --backend builtin
expect "the tags are in the photo" inside sh -c "exiftool -s3 -XMP-dc:Subject /photos/dogs.jpg | grep -q Dog"
expect "exiftool wrote a TIFF in place" inside sh -c \
  "exiftool -s3 -XMP-dc:Subject /photos/2019/mountains.tif | grep -q . && ! test -e /photos/2019/mountains.tif.xmp"
expect "photos are still their owner's" [ "$(find "$root/photos" -type f ! \( -user 1234 -group 2345 \) | wc -l)" = 0 ]
expect "the catalog is that user's" [ "$(stat -c %u:%g "$root/data/catalog.sqlite")" = 1234:2345 ]
tagroll undo
tagroll doctor || true

# photos that are mounted read-only
mount --bind "$root/photos" "$root/photos"
mount -o remount,bind,ro "$root/photos"
said=$(tagroll tag /photos --dry-run --backend builtin 2>&1)
expect "read-only photos are told of" grep -q "/photos is read-only for user 1234:2345" <<<"$said"
expect "and looked at" grep -q "Dog" <<<"$said"
said=$(tagroll tag /photos --backend builtin 2>&1 || true)
expect "nobody is asked about photos that cannot be written" grep -q "mounted read-only" <<<"$said"
umount "$root/photos"
chmod 700 "$root/photos"
said=$(inside PUID=77 sh /opt/tagroll/entrypoint.sh tags /photos 2>&1 || true)
expect "photos of somebody else are told of" grep -q "cannot be read by user 77:1000" <<<"$said"
chmod 755 "$root/photos"

# the page, and whether it answers
chroot "$root" env -i PATH=/usr/bin:/bin TAGROLL_PORT=8399 TAGROLL_ALLOW_HOST= PUID=1234 PGID=2345 \
  sh /opt/tagroll/entrypoint.sh serve /photos --lan --no-browser >"$root/data/said" 2>&1 &
page=$!
for _ in $(seq 120); do grep -q "Ctrl-C" "$root/data/said" && break; sleep 0.5; done
status=$(cat "$root/proc/$page/status")
expect "it has no right of root left" grep -q "^CapEff:.0*$" <<<"$status"
expect "nor gets one back" grep -q "^NoNewPrivs:.1$" <<<"$status"
expect "it is that user" grep -q "^Uid:.1234.1234.1234.1234$" <<<"$status"
healthy() { inside TAGROLL_PORT="$1" /opt/tagroll/bin/python /opt/tagroll/healthy.py; }
expect "serve is healthy" healthy 8399
expect "and what does not answer is not" eval '! healthy 8398 2>/dev/null'
kill -INT "$page"
wait "$page" || echo "serve ended with $?"
expect "without serve all is well" healthy 8398
echo "All of it works."
