#!/bin/sh
# The steps by which a bare Debian becomes the image; container/try.sh takes them in a chroot.
#   install.sh programs         exiftool, Python and time zones: all that runs besides tagroll
#   install.sh tagroll SOURCE   tagroll with what it needs, into /opt/tagroll; SOURCE is a checkout or a wheel
set -eu

get() {
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin
}

case ${1-} in
  programs)
    get python3 libimage-exiftool-perl tzdata
    mkdir -p /photos /data
    ;;
  tagroll)
    get python3-venv
    python3 -m venv /opt/tagroll
    /opt/tagroll/bin/pip install --quiet --no-cache-dir --no-compile "$2"
    # pip has done its work: what starts tagroll needs it no more
    /opt/tagroll/bin/pip uninstall --quiet --yes pip
    ;;
  *)
    echo "install.sh programs | install.sh tagroll SOURCE" >&2
    exit 2
    ;;
esac
