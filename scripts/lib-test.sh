# What ./test needs besides lib.sh: a browser, a PostgreSQL, and the count. To
# be sourced in the project's root.

is_root() { [ "$(id -u)" -eq 0 ]; }

# distribution prints debian, ubuntu, or the id of what this is.
distribution() { sed -n 's/^ID=//p' /etc/os-release 2>/dev/null | tr -d '"'; }

# install PACKAGE… with apt, as root on Debian and Ubuntu only.
install_packages() {
  is_root || return 1
  case $(distribution) in debian | ubuntu) ;; *) return 1 ;; esac
  echo "Installing $* …"
  local log
  log=$(mktemp)
  if DEBIAN_FRONTEND=noninteractive apt-get update >"$log" 2>&1 &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >>"$log" 2>&1; then
    rm -f "$log"
    return 0
  fi
  tail -n 20 "$log" >&2
  rm -f "$log"
  return 1
}

# find_chromium sets CAIRN_TEST_CHROMIUM and the flags it needs here.
find_chromium() {
  if [ -z "${CAIRN_TEST_CHROMIUM:-}" ]; then
    CAIRN_TEST_CHROMIUM=$(browser_here)
    if [ -z "$CAIRN_TEST_CHROMIUM" ] && [ "$(distribution)" = debian ] && install_packages chromium; then
      CAIRN_TEST_CHROMIUM=$(browser_here)
    fi
  fi
  if [ -z "$CAIRN_TEST_CHROMIUM" ]; then
    echo "The tests need a browser." >&2
    case $(distribution) in
      ubuntu) echo "Ubuntu's chromium is a snap, which tests cannot drive: install Chrome or another Chromium and set CAIRN_TEST_CHROMIUM to its path." >&2 ;;
      debian) echo "Run ./test as root, or: apt-get install chromium. Or set CAIRN_TEST_CHROMIUM to the path of one." >&2 ;;
      *) echo "Install Chromium or Chrome and set CAIRN_TEST_CHROMIUM to its path." >&2 ;;
    esac
    return 1
  fi
  if ! [ -x "$CAIRN_TEST_CHROMIUM" ]; then
    echo "CAIRN_TEST_CHROMIUM is $CAIRN_TEST_CHROMIUM, which cannot be run." >&2
    return 1
  fi
  if is_root && [ -z "${CAIRN_TEST_CHROMIUM_FLAGS:-}" ]; then
    CAIRN_TEST_CHROMIUM_FLAGS="--no-sandbox --disable-dev-shm-usage"
  fi
  export CAIRN_TEST_CHROMIUM CAIRN_TEST_CHROMIUM_FLAGS
}

# browser_here prints the path of an installed browser that is not a snap.
browser_here() {
  local name path
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    path=$(command -v "$name") || continue
    case $(readlink -f "$path") in */snap*) continue ;; esac
    if [ "$(head -c 2 "$path")" = '#!' ] && grep -q '/snap' "$path"; then continue; fi
    echo "$path"
    return
  done
}

# find_postgres sets CAIRN_TEST_POSTGRES, to a cluster made for this run when
# none is given.
find_postgres() {
  if [ -z "${CAIRN_TEST_POSTGRES:-}" ]; then
    local bin
    bin=$(postgres_bin)
    if [ -z "$bin" ] && install_packages postgresql; then
      bin=$(postgres_bin)
    fi
    if [ -z "$bin" ]; then
      echo "The tests need a PostgreSQL 15 or later." >&2
      case $(distribution) in
        debian | ubuntu) echo "Run ./test as root, or: apt-get install postgresql. Or set CAIRN_TEST_POSTGRES to one, as postgres://user@host:port/postgres." >&2 ;;
        *) echo "Install one (its initdb on the PATH), or set CAIRN_TEST_POSTGRES to one, as postgres://user@host:port/postgres." >&2 ;;
      esac
      return 1
    fi
    start_postgres "$bin" || return 1
  fi
  export CAIRN_TEST_POSTGRES
}

# postgres_bin prints the directory of the newest PostgreSQL that is new enough.
postgres_bin() {
  local dir version
  {
    ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin 2>/dev/null | sort -Vr
    dir=$(command -v initdb) && dirname "$dir"
  } | while read -r dir; do
    [ -x "$dir/initdb" ] || continue
    version=$("$dir/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
    if [ "${version:-0}" -ge 15 ]; then
      echo "$dir"
      break
    fi
  done
}

# start_postgres BIN makes a throw-away cluster, removed by stop_postgres.
# PostgreSQL refuses to run as root, so root runs it as the user postgres.
start_postgres() {
  local port try log
  PG_BIN=$1
  PG_DIR=$(mktemp -d /tmp/cairn-test-pg.XXXXXX) || return 1
  log=$PG_DIR/log
  PG_AS=()
  if is_root; then
    if ! id postgres >/dev/null 2>&1; then
      echo "There is no user postgres to run a PostgreSQL as: set CAIRN_TEST_POSTGRES, or do not run as root." >&2
      return 1
    fi
    chown postgres "$PG_DIR"
    PG_AS=(runuser -u postgres --)
  fi
  if ! (cd "$PG_DIR" && "${PG_AS[@]}" "$PG_BIN/initdb" -D "$PG_DIR/data" -U postgres -A trust -E UTF8 --locale=C --no-sync) >"$PG_DIR.log" 2>&1; then
    cat "$PG_DIR.log" >&2
    return 1
  fi
  for try in 1 2 3 4 5; do
    port=$((20000 + RANDOM))
    busy "$port" && continue
    if (cd "$PG_DIR" && "${PG_AS[@]}" "$PG_BIN/pg_ctl" -D "$PG_DIR/data" -l "$log" -w -t 60 \
      -o "-p $port -h 127.0.0.1 -k $PG_DIR -F -c full_page_writes=off -c max_connections=400 -c shared_buffers=128MB" start) >"$PG_DIR.log" 2>&1; then
      CAIRN_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/postgres?sslmode=disable"
      return 0
    fi
  done
  cat "$PG_DIR.log" "$log" >&2
  return 1
}

stop_postgres() {
  [ -n "${PG_DIR:-}" ] || return 0
  if [ -f "$PG_DIR/data/postmaster.pid" ]; then
    (cd "$PG_DIR" && "${PG_AS[@]}" "$PG_BIN/pg_ctl" -D "$PG_DIR/data" -m immediate stop) >/dev/null 2>&1
  fi
  rm -rf "$PG_DIR" "$PG_DIR.log"
  PG_DIR=
}

# summarise reads go test -json, prints a line for each package and the output
# of what failed, and writes "passed failed" to FILE. A skipped test and a
# package that does not build have failed. Only tests of the first level count.
summarise() {
  awk -v counts="$1" '
    function value(name,   i, s) {
      i = index($0, "\"" name "\":\"")
      if (!i) return ""
      s = substr($0, i + length(name) + 4)
      if (!match(s, /^([^"\\]|\\.)*/)) return ""
      return substr(s, 1, RLENGTH)
    }
    function plain(s) {
      gsub(/\\n/, "\n", s); gsub(/\\t/, "\t", s); gsub(/\\"/, "\"", s)
      gsub(/\\u003c/, "<", s); gsub(/\\u003e/, ">", s); gsub(/\\u0026/, "\\&", s)
      gsub(/\\u001b/, "", s); gsub(/\\r/, "", s); gsub(/\\\\/, "\\", s)
      return s
    }
    function begin(s, lines,   i, n, line, text) {
      n = split(s, line, "\n")
      for (i = 1; i <= n && i <= lines; i++) text = text line[i] "\n"
      return n > lines ? text "    … and " n - lines " lines more\n" : text
    }
    # unfinished tells of the tests that had begun and not ended with their package.
    function unfinished(pkg,   k, path) {
      for (k in out) {
        split(k, path, SUBSEP)
        if (path[1] == pkg && path[2] != "") printf "--- DID NOT END: %s.%s\n%s", pkg, path[2], begin(out[k], 100)
      }
    }
    !/^{/ { print; next }
    {
      action = value("Action"); pkg = value("Package"); test = value("Test")
      if (pkg == "") pkg = value("ImportPath")
      split(test, path, "/"); key = pkg SUBSEP path[1]
    }
    action == "output" { out[key] = out[key] plain(value("Output")); next }
    action == "build-output" { built = built plain(value("Output")); next }
    action == "build-fail" { printf "%s", built; built = ""; next }
    action == "pass" && test != "" && test !~ /\// { p[pkg]++; delete out[key]; next }
    (action == "fail" || action == "skip") && test != "" && test !~ /\// {
      f[pkg]++
      printf "--- %s %s.%s\n%s", (action == "skip" ? "SKIPPED, which counts as failed:" : "FAILED:"), pkg, test, out[key]
      delete out[key]; next
    }
    (action == "pass" || action == "fail") && test == "" {
      if (action == "fail" && !f[pkg]) {
        f[pkg]++
        printf "--- FAILED: %s\n%s", pkg, begin(out[pkg SUBSEP ""], 100)
        unfinished(pkg)
      }
      seconds = $0; sub(/.*"Elapsed":/, "", seconds); sub(/[^0-9.].*/, "", seconds)
      if (p[pkg] + f[pkg]) printf "%-40s %4d passed %4d failed %8.1f s\n", pkg, p[pkg], f[pkg], seconds
      allp += p[pkg]; allf += f[pkg]; fflush()
    }
    END { printf "%d %d\n", allp, allf > counts }
  '
}
