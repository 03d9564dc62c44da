#!/usr/bin/env bash
# Prints the address of the Debian mirror that this machine's apt uses for its own suite.
set -euo pipefail

suite=${1:-$(. /etc/os-release && echo "${VERSION_CODENAME:-}")}
# `apt-get indextargets` reads every notation of sources: no parser of our own.
apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(SUITE) $(COMPONENT)' 'Created-By: Packages' |
  awk -v suite="$suite" '($2 == suite || $3 == suite) && $4 == "main" { sub("/*$", "", $1); print $1; exit }' |
  grep . || { echo "debian-mirror.sh: apt has no source for $suite main, or no package lists: run apt-get update" >&2; exit 1; }
