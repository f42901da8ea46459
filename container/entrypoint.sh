#!/bin/sh
# What the container starts: tagroll, as the user whose numbers PUID and PGID say. It is root for as long as it takes to give
# that user /data; started as another user (--user, or a rootless engine that does so), it stays that one.
set -eu
export HOME=/data XDG_CONFIG_HOME=/data XDG_CACHE_HOME=/data/cache TAGROLL_CATALOG="${TAGROLL_CATALOG:-/data/catalog.sqlite}"
uid=${PUID:-1000} gid=${PGID:-1000}

if [ "$(id -u)" = 0 ]; then
  case $uid$gid in
    *[!0-9]*) echo "tagroll: PUID and PGID are numbers, as 'id -u' and 'id -g' print them" >&2; exit 2 ;;
  esac
  # the folder alone is enough the first time, and all that is in it after PUID was changed
  [ "$(stat -c %u:%g /data)" = "$uid:$gid" ] || chown -R "$uid:$gid" /data
  as="setpriv --reuid=$uid --regid=$gid --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs"
else
  uid=$(id -u) gid=$(id -g) as=
fi

if ! $as test -w /data; then
  echo "tagroll: /data cannot be written by user $uid:$gid. It keeps the catalog, without which nothing can be undone: mount a volume or folder there that is this user's." >&2
  exit 2
fi
if ! $as test -r /photos -a -x /photos; then
  echo "tagroll: /photos cannot be read by user $uid:$gid. Set PUID and PGID to the owner of your photos: ls -ln shows the numbers." >&2
elif ! $as test -w /photos; then
  echo "tagroll: /photos is read-only for user $uid:$gid: photos can be looked at, found and proposed tags, but no tag can be written. Mount it without :ro, or set PUID and PGID to its owner, to change that." >&2
fi
# shellcheck disable=SC2086  # words on purpose
exec $as /opt/tagroll/bin/tagroll "$@"
