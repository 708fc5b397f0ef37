# What ./run, ./test and scripts/check share. To be sourced in the project's root.

# need_go says which Go is needed and checks it. An older Go that can fetch the
# right one by itself (GOTOOLCHAIN) is good enough.
need_go() {
  local want have
  want=$(sed -n 's/^go //p' go.mod)
  echo "Cairn needs Go $want or later (go.mod)."
  if ! command -v go >/dev/null 2>&1; then
    echo "There is no go on the PATH. Install it from https://go.dev/dl/ and try again." >&2
    return 1
  fi
  if ! have=$(go env GOVERSION 2>&1); then
    echo "The go on the PATH cannot be used: $have" >&2
    return 1
  fi
  echo "Found ${have#go} at $(command -v go)."
  # go env has already switched to a newer toolchain if it may.
  if [ "$(printf '%s\n' "$want" "${have#go}" | sort -V | head -n 1)" != "$want" ]; then
    echo "That is older than $want. Install a newer one from https://go.dev/dl/ and try again." >&2
    return 1
  fi
  # Where git cannot tell the commit (another user's clone, no git), the
  # version goes without it.
  git rev-parse HEAD >/dev/null 2>&1 || export GOFLAGS="${GOFLAGS:-} -buildvcs=false"
}

# step NAME COMMAND… runs a command quietly; its output is shown when it fails.
step() {
  local name=$1 log start=$SECONDS
  shift
  log=$(mktemp)
  printf '%-24s' "$name"
  if "$@" >"$log" 2>&1; then
    echo "ok  $((SECONDS - start)) s"
    rm -f "$log"
    return 0
  fi
  echo "FAILED  $((SECONDS - start)) s"
  sed 's/^/    /' "$log"
  rm -f "$log"
  return 1
}

formatted() {
  local bad
  bad=$(gofmt -l $(go_files)) || return 1
  [ -z "$bad" ] && return 0
  echo "not formatted with gofmt:"
  echo "$bad"
  return 1
}

# go_files lists the Go files of the project: those in git, and new ones.
go_files() {
  if git rev-parse --git-dir >/dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard -- '*.go' | while read -r f; do [ -f "$f" ] && echo "$f"; done
  else
    find . -name '*.go' -not -path './.*'
  fi
}

# generated makes the code of the templates anew, elsewhere, and compares.
# templ writes the template's path as seen from where it was started, which
# does not matter.
generated() {
  local dir f other bad=0
  dir=$(mktemp -d)
  find internal -name '*.templ' | while read -r f; do
    mkdir -p "$dir/$(dirname "$f")" && cp "$f" "$dir/$f"
  done
  if ! go tool templ generate -path "$dir" >"$dir/log" 2>&1; then
    cat "$dir/log"
    rm -rf "$dir"
    return 1
  fi
  while read -r f; do
    other=${f%.templ}_templ.go
    if ! cmp -s <(without_paths "$dir/$other") <(without_paths "$other"); then
      echo "$other is not what $f says: run go tool templ generate"
      bad=1
    fi
  done < <(find internal -name '*.templ' | sort)
  while read -r f; do
    if [ ! -f "${f%_templ.go}.templ" ]; then
      echo "$f has no template"
      bad=1
    fi
  done < <(find internal -name '*_templ.go' | sort)
  rm -rf "$dir"
  return $bad
}

without_paths() { sed 's|FileName: `[^`]*/|FileName: `|' "$1"; }

# packages_without_servers lists the packages whose tests need neither a
# PostgreSQL nor a browser.
packages_without_servers() {
  comm -23 <(go list ./... | sort) <(packages_with_servers | sort)
}

packages_with_servers() {
  local files
  files=$(grep -lE 'PostgresURL\(|CAIRN_TEST_(POSTGRES|CHROMIUM)' -r --include='*_test.go' . 2>/dev/null)
  [ -z "$files" ] || printf '%s\n' "$files" | xargs -n 1 dirname | sort -u | sed "s|^\.$|$(go list -m)|; s|^\./|$(go list -m)/|"
}

join_by() {
  local sep=$1 first=1
  shift
  for x in "$@"; do
    ((first)) || printf '%s' "$sep"
    printf '%s' "$x"
    first=0
  done
}

# busy PORT reports whether somebody listens on it.
busy() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# build PACKAGE FILE compiles, showing which package out of how many. What the
# build cache has already is not compiled again and not counted.
build() {
  local start=$SECONDS deps
  deps=$(mktemp)
  note "looking at what is needed"
  go list -deps "$1" 2>&1 >"$deps" | fetching || true
  TOTAL=$(wc -l <"$deps")
  rm -f /tmp/cairn-deps.$$
  mkdir -p "$(dirname "$2")"
  if ! go build -v -o "$2" "$1" 2>&1 | compiling; then
    return 1
  fi
  note_end
  echo "Built $2 in $((SECONDS - start)) s."
}

# note shows TEXT in one line that the next note replaces; when nobody looks,
# at most one line every five seconds.
note() {
  if [ -t 1 ]; then
    printf '\r\033[K%.*s' "$((${COLUMNS:-80} - 1))" "$1"
  elif [ -z "${NOTED:-}" ] || ((SECONDS - NOTED >= 5)); then
    echo "$1"
    NOTED=$SECONDS
  fi
}

note_end() { if [ -t 1 ]; then printf '\r\033[K'; fi; }

fetching() {
  local line
  while read -r line; do
    case $line in
      "go: downloading "*) note "fetching ${line#go: downloading }" ;;
      *) note_end && echo "$line" ;;
    esac
  done
}

compiling() {
  local line n=0
  while read -r line; do
    case $line in
      "go: downloading "*) note "fetching ${line#go: downloading }" ;;
      "#"* | *" "*) note_end && echo "$line" ;; # what the compiler complains of
      *) n=$((n + 1)) && note "compiling $n of $TOTAL: $line" ;;
    esac
  done
}
