#!/usr/bin/env bash
# Sends calls to a running Cairn with Segment's official Node SDK:
#
#   scripts/segment-node.sh ADDRESS WRITEKEY [EVENTS]
#   scripts/segment-node.sh http://127.0.0.1:8080 wk_… 40
#
# The SDK is installed from npm into a temporary folder that goes afterwards.
set -euo pipefail
if [ $# -lt 2 ]; then
  sed -n '2,6s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
command -v npm >/dev/null || { echo "npm is needed: install Node.js 20 or newer." >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$here"/segment-node/package.json "$here"/segment-node/send.js "$folder"
(cd "$folder" && npm install --no-audit --no-fund --loglevel=error >/dev/null)
node "$folder/send.js" "$@"
