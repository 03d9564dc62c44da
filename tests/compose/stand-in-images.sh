#!/usr/bin/env bash
# Makes local stand-ins for the base images of infra/ on a machine that reaches the registries of Debian and npm but no
# image registry: node:22-bookworm-slim and redis:7-bookworm, both from one small Debian system. For tests only: they
# are labelled, never push them. An image that is there already, stand-in or real, is left alone.
#
# ELBO_ENGINE_STATE: folder for what is kept between runs (default: elbo-engine in the user's cache folder).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
state=${ELBO_ENGINE_STATE:-${XDG_CACHE_HOME:-$HOME/.cache}/elbo-engine}
work=$state/stand-ins
archive=$work/bookworm.tar
base=elbo-stand-in/bookworm:latest
node=node:22-bookworm-slim
redis=redis:7-bookworm
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

fail() { echo "stand-in-images.sh: $*" >&2; exit 1; }
has() { docker image inspect "$1" >/dev/null 2>&1; }

# What an official image has and the tests need: Debian's minimal system, certificates, Redis, Node with npm, the users.
make_archive() {
  [ ! -s "$archive" ] || return 0
  local root=$work/root
  rm -rf "$root" && mkdir -p "$root"
  command -v debootstrap >/dev/null || fail "debootstrap is not installed: run $here/engine.sh install"
  debootstrap --variant=minbase --include=ca-certificates,redis-server,redis-tools bookworm "$root" \
    "$("$here/debian-mirror.sh" bookworm)" >"$work/debootstrap.log" 2>&1 || fail "debootstrap: $(tail -3 "$work/debootstrap.log")"
  # A machine behind a gateway trusts its certificate; so must what is downloaded inside a build.
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  install_node "$root"
  groupadd --root "$root" --gid 1000 node
  useradd --root "$root" --uid 1000 --gid node --shell /bin/bash --create-home node
  mkdir "$root/data" && chown --reference="$root/var/lib/redis" "$root/data"
  rm -rf "$root"/usr/share/{doc,man,locale,info}/* "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* \
    "$root"/etc/{resolv.conf,hostname}
  tar -C "$root" --numeric-owner --one-file-system -cf "$archive.part" .
  mv "$archive.part" "$archive"
  rm -rf "$root"
}

install_node() { # root folder
  local arch packages=$work/npm
  case $(uname -m) in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; *) fail "no Node for $(uname -m)" ;; esac
  mkdir -p "$packages" "$1/usr/local/lib/node_modules/npm"
  # npm itself brings Node, too: the package `node` installs this one, a binary for each platform.
  npm pack --silent --pack-destination "$packages" "node-linux-$arch@22" npm@10 >"$work/npm.log" 2>&1 ||
    fail "npm pack: $(tail -3 "$work/npm.log")"
  tar -C "$1/usr/local" --strip-components=1 --no-same-owner -xzf "$packages"/node-linux-*.tgz package/bin
  tar -C "$1/usr/local/lib/node_modules/npm" --strip-components=1 --no-same-owner -xzf "$packages"/npm-10.*.tgz
  chmod 755 "$1/usr/local/bin/node"
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$1/usr/local/bin/npm"
  ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$1/usr/local/bin/npx"
  chmod 755 "$1"/usr/local/lib/node_modules/npm/bin/*-cli.js
  # The registry's address only: a password must not end in an image.
  mkdir -p "$1/usr/local/etc"
  printf 'registry=%s\nupdate-notifier=false\n' "$(npm config get registry 2>/dev/null | sed 's#//[^/@]*@#//#')" >"$1/usr/local/etc/npmrc"
  rm -rf "$packages"
}

make_image() { # tag, folder with a Dockerfile
  DOCKER_BUILDKIT=0 docker build --quiet --tag "$1" "$2" >"$work/build.log" 2>&1 || fail "$1: $(tail -3 "$work/build.log")"
  echo "stand-in-images.sh: made $1" >&2
}

mkdir -p "$work"
exec 9>"$work/lock"
flock -w 600 9 || fail "another run holds $work/lock"
if has $node && has $redis; then exit 0; fi
make_archive
has $base || docker import --change 'LABEL elbo.stand-in="for tests only"' "$archive" $base >/dev/null
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
if ! has $node; then
  mkdir -p "$context/node"
  cat >"$context/node/Dockerfile" <<DOCKERFILE
FROM $base
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
RUN node --version && npm --version
CMD ["node"]
DOCKERFILE
  make_image $node "$context/node"
fi
if ! has $redis; then
  mkdir -p "$context/redis"
  # As the official one: root hands over to the user redis; protected mode is off, for a password does its work.
  cat >"$context/redis/start-redis" <<'START'
#!/bin/sh
set -e
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  chown redis:redis /data
  exec setpriv --reuid redis --regid redis --clear-groups "$0" "$@"
fi
if [ "$1" = redis-server ]; then shift; exec redis-server --protected-mode no "$@"; fi
exec "$@"
START
  chmod 755 "$context/redis/start-redis"
  cat >"$context/redis/Dockerfile" <<DOCKERFILE
FROM $base
COPY start-redis /usr/local/bin/
VOLUME /data
WORKDIR /data
EXPOSE 6379
ENTRYPOINT ["start-redis"]
CMD ["redis-server"]
DOCKERFILE
  make_image $redis "$context/redis"
fi
