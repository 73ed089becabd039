#!/bin/sh
# Back the hub's PostgreSQL database up, and restore it, with PostgreSQL's own tools.
#
#   postgres.sh backup FOLDER KEEP
#   postgres.sh restore FOLDER NAME     # lists what there is where NAME is ""
#
# Where the database is, is in the files of PGSERVICEFILE, which connection.py wrote. A file has its
# name only once it is whole and on disk, so that whatever ends this at any instant leaves what was
# there before. Backups are gzip files (RFC 1952), whose checksum tells a damaged one.
set -eu
umask 077
export PGSERVICE=hub PGCONNECT_TIMEOUT=20 LC_ALL=C
what=$1 folder=$2 last=$3
started=$(date -u +%Y%m%dT%H%M%SZ)

fail() {
  echo "$what failed: $1" >&2
  exit 1
}

ask() { # ask SQL
  psql --no-psqlrc --no-password --tuples-only --no-align --command="$1" ||
    fail "the database does not answer; see the line above"
}

backups() { # the oldest first
  find "$folder" -maxdepth 1 -type f -regextype posix-extended -regex '.*/hub-[0-9]{8}T[0-9]{6}Z\.dump\.gz' \
    -printf '%f\n' | sort
}

listed() {
  found=$(backups)
  echo ${found:-none} # on one line
}

# A backup is for the server that it is of: tools of another major version may write what that
# server can't read.
same_version() {
  server=$(ask 'SHOW server_version_num')
  server=$((server / 10000))
  tools=$(pg_dump --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
  [ "$server" = "$tools" ] ||
    fail "the server is PostgreSQL $server and the tools are of $tools; set backup.image.tag to $server-bookworm"
}

check() { # check FILE: that all of it can be read
  gunzip -t <"$1" 2>/dev/null || fail "$last is damaged; take another backup"
  gunzip -c <"$1" | pg_restore --file=/dev/null || fail "$last is damaged; take another backup"
}

has_users() { # has_users FILE
  gunzip -c <"$1" | pg_restore --list | grep -q ' TABLE DATA [^ ]* users ' ||
    fail "there is no table of users: it is not the database of a hub"
}

dump() { # dump NAME CHECK…: the database, under that name
  name=$1
  shift
  plain=$(mktemp "$folder/.$name.XXXXXX")
  packed=$(mktemp "$folder/.$name.XXXXXX")
  trap 'rm -f "$plain" "$packed"' EXIT
  pg_dump --no-password --format=custom --compress=0 --file="$plain" ||
    fail "pg_dump ended early; see the line above"
  gzip -nc "$plain" >"$packed" || fail "gzip ended early; see the line above"
  last=$name
  for each in "$@"; do "$each" "$packed"; done
  sync "$packed" || fail "$name is not on disk"
  mv "$packed" "$folder/$name"
  sync "$folder"
  rm -f "$plain"
  trap - EXIT
}

backup() {
  same_version
  # What a killed run left behind: no job may take longer than an hour.
  find "$folder" -maxdepth 1 -type f -mmin +60 \
    \( -name '.hub-*.dump.gz.*' -o -name '.before-restore-*.dump.gz.*' \) -delete
  keep=$last
  dump "hub-$started.dump.gz" check has_users
  # What was just made stays, also where others have a later name: a clock was wrong, or somebody
  # else writes to the volume.
  old=$(backups | grep -vxF "hub-$started.dump.gz" | head -n "-$((keep - 1))")
  for each in $old; do rm -f "$folder/$each"; done
  echo "made hub-$started.dump.gz, $(stat -c %s "$folder/hub-$started.dump.gz") bytes${old:+; removed $(echo $old)}"
}

restore() {
  backups | grep -qxF -e "$last" || fail "there is no backup $last; there are: $(listed)"
  chosen=$last
  same_version
  check "$folder/$chosen"
  has_users "$folder/$chosen"
  # The server's own workers have no user name.
  others=$(ask 'SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                AND usename IS NOT NULL AND pid <> pg_backend_pid()')
  [ "$others" = 0 ] || fail "$others others are connected to the database; scale the hub to 0 first"
  kept=
  tables=$(ask 'SELECT count(*) FROM pg_tables WHERE schemaname = ANY (current_schemas(false))')
  if [ "$tables" != 0 ]; then
    kept=before-restore-$started.dump.gz
    dump "$kept" check
  fi
  gunzip -c <"$folder/$chosen" | pg_restore --no-password --dbname=service=hub --single-transaction \
    --exit-on-error --clean --if-exists --no-owner --no-privileges ||
    fail "pg_restore ended early, and the database is as it was; see the line above"
  echo "restored $chosen${kept:+; what was there is kept in $kept}"
}

if [ "$what" = restore ] && [ -z "$last" ]; then
  echo "nothing is restored, no name was given; there are: $(listed)"
else
  "$what"
fi
