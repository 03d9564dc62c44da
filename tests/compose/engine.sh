#!/usr/bin/env bash
# A Docker engine for tests/compose on a Debian machine that has none. The test starts and stops it; only a person, or
# a CI script, says `install`.
#
#   engine.sh install   engine, Compose and buildx from Debian packages (root)
#   engine.sh start     starts dockerd in the background with a data folder of its own, unless an engine answers
#   engine.sh stop      stops the dockerd that start started, and removes what it left in the network
#   engine.sh clean     stop, and delete its images, volumes and caches
#
# ELBO_ENGINE_STATE: folder for all state (default: elbo-engine in the user's cache folder).
# ELBO_ENGINE_SUITE: Debian suite of the packages (default trixie: Compose v2, which bookworm does not have; its
#                    packages need nothing that bookworm lacks).
set -euo pipefail

state=${ELBO_ENGINE_STATE:-${XDG_CACHE_HOME:-$HOME/.cache}/elbo-engine}
suite=${ELBO_ENGINE_SUITE:-trixie}
run=/run/elbo-engine # short: a unix socket's path has at most 108 characters
pidfile=$state/dockerd.pid
log=$state/dockerd.log
export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin DEBIAN_FRONTEND=noninteractive
unset DOCKER_HOST DOCKER_CONTEXT # this machine's engine, never somebody else's

fail() { echo "engine.sh: $*" >&2; exit 1; }
note() { echo "engine.sh: $*" >&2; }
answers() { timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

install_packages() {
  local wanted=()
  command -v dockerd >/dev/null || wanted+=(docker.io)
  command -v docker >/dev/null || wanted+=(docker-cli)
  docker compose version >/dev/null 2>&1 || wanted+=(docker-compose)
  docker buildx version >/dev/null 2>&1 || wanted+=(docker-buildx)
  command -v iptables >/dev/null || wanted+=(iptables)
  command -v debootstrap >/dev/null || wanted+=(debootstrap)
  [ ${#wanted[@]} -gt 0 ] || { note 'everything is installed'; return; }
  [ "$(id -u)" = 0 ] || fail "must be root to install ${wanted[*]}"
  command -v apt-get >/dev/null || fail "this is no Debian machine: install Docker and Compose v2 by hand"

  # The machine's own package lists stay as they are: another suite is added in a private copy of apt's settings, and
  # ranked so low that only the packages asked for by suite come from it.
  local apt=$state/apt mirror package named=()
  mirror=$("$(dirname "$0")/debian-mirror.sh" 2>/dev/null) || { # no package lists yet
    apt-get -qq update >"$state/apt.log" 2>&1 || fail "apt-get update: $(tail -3 "$state/apt.log")"
    mirror=$("$(dirname "$0")/debian-mirror.sh")
  }
  rm -rf "$apt" && mkdir -p "$apt/sources" "$apt/preferences" "$apt/lists/partial"
  find /etc/apt/sources.list /etc/apt/sources.list.d -type f \( -name '*.list' -o -name '*.sources' \) \
    -exec cp {} "$apt/sources/" \; 2>/dev/null || true
  cat >"$apt/sources/elbo-engine.sources" <<SOURCES
Types: deb
URIs: $mirror
Suites: $suite
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
  printf 'Package: *\nPin: release n=%s\nPin-Priority: 100\n' "$suite" >"$apt/preferences/elbo-engine.pref"
  local options=(-qq -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$apt/sources"
    -o "Dir::Etc::PreferencesParts=$apt/preferences" -o "Dir::State::Lists=$apt/lists")
  for package in "${wanted[@]}"; do
    case $package in docker*) named+=("$package/$suite") ;; *) named+=("$package") ;; esac
  done
  # Packages must not start an engine with the machine's usual data folder.
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  apt-get "${options[@]}" update >"$state/apt.log" 2>&1 || fail "apt-get update: $(tail -3 "$state/apt.log")"
  apt-get "${options[@]}" -y --no-install-recommends install "${named[@]}" >>"$state/apt.log" 2>&1 ||
    fail "apt-get install ${named[*]}: $(tail -5 "$state/apt.log")"
  note "installed ${named[*]}: $(dockerd --version), Compose $(docker compose version --short)"
}

our_pid() {
  local pid
  pid=$(cat "$pidfile" 2>/dev/null) || return 1
  tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q -- "--data-root $state/data " && echo "$pid"
}

start_engine() {
  if answers; then note 'an engine answers already'; return; fi
  command -v dockerd >/dev/null || fail "no Docker engine is installed: run '$0 install', or install Docker by hand"
  [ "$(id -u)" = 0 ] || fail 'must be root to start dockerd'
  [ -n "$(ls /sys/fs/cgroup 2>/dev/null)" ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup || fail 'no cgroups here'
  mkdir -p "$state/data" "$run"
  cat /proc/sys/net/ipv4/ip_forward >"$state/ip-forward"
  iptables-save >"$state/iptables" 2>/dev/null || true
  local driver
  for driver in overlay2 vfs; do
    if start_with "$driver"; then
      note "dockerd $(docker version --format '{{.Server.Version}}') runs with $driver, pid $(cat "$pidfile"), log $log"
      return
    fi
  done
  fail "dockerd does not start here: $(grep -E 'level=(error|fatal)|^failed' "$log" | tail -3)"
}

start_with() { # storage driver
  rm -f "$pidfile"
  setsid nohup dockerd --data-root "$state/data" --exec-root "$run" --pidfile "$pidfile" --storage-driver "$1" \
    --host unix:///var/run/docker.sock >"$log" 2>&1 </dev/null 9>&- &
  local pid=$! deadline=$((SECONDS + 60))
  while [ $SECONDS -lt $deadline ] && kill -0 $pid 2>/dev/null; do
    answers && return 0
    sleep 0.3
  done
  kill -TERM $pid 2>/dev/null || true
  return 1
}

stop_engine() {
  local pid network networks deadline
  pid=$(our_pid) || { note 'no engine of ours runs'; return; }
  networks=$(timeout 10 docker network ls --quiet --filter driver=bridge 2>/dev/null || true)
  kill -TERM "$pid"
  deadline=$((SECONDS + 60))
  while kill -0 "$pid" 2>/dev/null; do
    [ $SECONDS -lt $deadline ] || { kill -KILL "$pid"; break; }
    sleep 0.2
  done
  rm -f "$pidfile"
  umount "$run"/netns/* 2>/dev/null || true
  rm -rf "$run"
  ip link del docker0 2>/dev/null || true
  for network in $networks; do ip link del "br-$network" 2>/dev/null || true; done
  # Rules that were there before may mean something: then Docker's own, which match nothing now, are left beside them.
  if ! grep -qs '^-A' "$state/iptables"; then
    iptables -P FORWARD ACCEPT 2>/dev/null || true
    for table in filter nat; do iptables -t $table -F; iptables -t $table -X; done 2>/dev/null || true
  fi
  cat "$state/ip-forward" >/proc/sys/net/ipv4/ip_forward 2>/dev/null || true
  note "dockerd ($pid) has stopped"
}

mkdir -p "$state"
exec 9>"$state/lock"
flock -w 600 9 || fail "another engine.sh holds $state/lock"
case ${1:-} in
  install) install_packages ;;
  start) start_engine ;;
  stop) stop_engine ;;
  clean) stop_engine && rm -rf "$state" ;;
  *) sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
esac
