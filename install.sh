#!/bin/sh
# Installs invoice-watcher as a systemd service from this folder, upgrades it, or removes it: see --help.
#
# A version is a folder below /opt/invoice-watcher/releases that is never changed once it is built; `current` leads to the
# one that is used. So an upgrade is one rename, a failed one leaves the old version as it was, and nothing runs half of each.
set -eu
umask 022

NAME=invoice-watcher
OPT=/opt/$NAME
ETC=/etc/$NAME
STATE=/var/lib/$NAME
CONFIG=$ETC/config.yaml
COMMAND=/usr/local/bin/$NAME
LIB=/usr/local/lib # where systemd looks for what the administrator installs; /etc is left to what the administrator writes
UNITS=$LIB/systemd/system
PYTHON=${PYTHON:-/usr/bin/python3}

usage() {
    cat <<END
Usage: sudo ./install.sh             install, or upgrade what is installed to the version in this folder
       sudo ./install.sh --remove    stop and remove it; configuration, credentials and journal stay
       sudo ./install.sh --purge     remove these too, after asking (without a terminal: --purge --yes)
       ./install.sh --help

Works on Debian 12 and 13 and Ubuntu 24.04. May be run again at any time; a failure leaves everything as it was.

Environment: PYTHON, the interpreter (/usr/bin/python3); and what pip reads, for a mirror or for an installation
without the internet: PIP_INDEX_URL, or PIP_NO_INDEX=1 with PIP_FIND_LINKS=FOLDER.
END
}

say() { printf '%s\n' "$*"; }

# fail WHAT MEND…: what went wrong, and below it, line by line, what to do about it.
fail() {
    printf 'install.sh: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '  -> %s\n' "$line" >&2; done
    exit 1
}

warn() { printf 'install.sh: %s\n' "$*" >&2; }

# ------------------------------------------------------------------------------------------------ what is there

systemd_runs() { [ -d /run/systemd/system ]; }

installed() { [ -e "$OPT/bin/$NAME" ]; }

# The release that is used, as a whole path; nothing where there is none.
current_release() {
    if [ -L "$OPT/current" ]; then readlink -f "$OPT/current"; fi
}

# The service and its instances that run, or try to.
running_units() {
    systemd_runs || return 0
    systemctl list-units --plain --no-legend --state=active,activating,reloading "$NAME.service" "$NAME@*.service" |
        cut -d ' ' -f 1
}

version_here() { sed -n 's/^version = "\(.*\)"/\1/p' "$HERE/pyproject.toml"; }

require_root() {
    [ "$(id -u)" = 0 ] || fail "this needs root" "run: sudo ./install.sh $*"
}

# Two at once would switch to each other's halves.
lock() {
    exec 9>"/run/$NAME-install.lock"
    flock -n 9 || fail "another install.sh is under way" "wait until it is done"
}

require_project() {
    for file in pyproject.toml requirements-build.lock requirements-run.lock config.example.yaml watcher systemd; do
        [ -e "$HERE/$file" ] || fail "$HERE/$file is missing" "run install.sh in a whole clone, or a whole unpacked archive"
    done
}

# ---------------------------------------------------------------------------------------------- the system's packages

has() { command -v "$1" >/dev/null 2>&1; }

missing_packages() {
    has "$PYTHON" || echo python3
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    has systemd-sysusers && has systemd-tmpfiles || echo systemd
    [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
}

apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" </dev/null
}

install_packages() {
    # shellcheck disable=SC2086 # the packages are words
    { apt update && apt install --no-install-recommends "$@"; } >"$LOG" 2>&1
}

install_system_packages() {
    missing=$(missing_packages | tr '\n' ' ')
    if [ -n "$missing" ]; then
        say "Installing packages of the system: $missing"
        has apt-get || fail "there is no apt-get, and these are missing: $missing" "install them as this system does"
        # shellcheck disable=SC2086 # the packages are words
        install_packages $missing || fail_with_log "apt-get could not install $missing" \
            "see to the network, or to what apt-get says, and run install.sh again; nothing was changed"
    fi
    require_python
    install_archive_tools
}

# 7z and rar are worth a warning, not a failure: on Ubuntu the package is in a component that may be switched off.
install_archive_tools() {
    has bsdtar && return
    if has apt-get && install_packages libarchive-tools; then
        say "Installed libarchive-tools, which opens 7z and rar archives."
    else
        warn "libarchive-tools could not be installed: 7z and rar archives will be answered with the advice to send a zip"
    fi
}

require_python() {
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail \
        "$("$PYTHON" --version) is too old: Python 3.11 or later is needed" \
        "use Debian 12, Ubuntu 24.04 or later, or name another interpreter: sudo PYTHON=/usr/bin/python3.12 ./install.sh"
}

# fail_with_log WHAT MEND…: as `fail`, after the last words of what was run.
fail_with_log() {
    tail -n 15 "$LOG" | sed 's/^/  | /' >&2
    fail "$@"
}

# ------------------------------------------------------------------------------------------------ the new version

# Build everything in a folder that nobody uses yet. Once it is there, it works.
build_release() {
    RELEASE=$OPT/releases/$(version_here)-$(date -u +%Y%m%dT%H%M%SZ)-$$
    say "Building version $(version_here) in $RELEASE; this takes a minute."
    BUILDING=$RELEASE
    mkdir -p "$RELEASE"
    "$PYTHON" -m venv "$RELEASE" >"$LOG" 2>&1 || fail_with_log "the environment could not be made" \
        "is there room on the disk? Nothing was changed"
    install_locked
    install_itself
    cp -R "$HERE/systemd" "$RELEASE/systemd"
    "$RELEASE/bin/$NAME" --version >"$LOG" 2>&1 || fail_with_log "what was built does not run" "nothing was changed"
    chmod -R u=rwX,go=rX "$RELEASE"
    BUILDING=
}

pip() { "$RELEASE/bin/python" -m pip --disable-pip-version-check --no-input "$@" >"$LOG" 2>&1; }

# The build tools come first and from a lock too, so that what has no wheel is built without fetching unlocked ones.
install_locked() {
    { pip install --require-hashes -r "$HERE/requirements-build.lock" &&
        pip install --require-hashes --use-pep517 --no-build-isolation -r "$HERE/requirements-run.lock"; } ||
        fail_with_log "the libraries could not be installed" \
            "see to the network, name a mirror (PIP_INDEX_URL), or see docs/install.md for machines without the internet" \
            "nothing was changed"
}

# From a copy, because building leaves folders behind.
install_itself() {
    source=$RELEASE/source
    mkdir "$source"
    (cd "$HERE" && cp -R watcher pyproject.toml LICENSE README.md "$source")
    pip install --no-build-isolation --no-deps "$source" || fail_with_log "$NAME could not be built" "nothing was changed"
    rm -rf "$source"
}

# ---------------------------------------------------------------------------------------- user, folders, configuration

install_accounts_and_folders() {
    install -D -m 644 "$HERE/systemd/$NAME.sysusers.conf" "$LIB/sysusers.d/$NAME.conf"
    systemd-sysusers "$LIB/sysusers.d/$NAME.conf"
    install -D -m 644 "$HERE/systemd/$NAME.tmpfiles.conf" "$LIB/tmpfiles.d/$NAME.conf"
    systemd-tmpfiles --create "$LIB/tmpfiles.d/$NAME.conf"
    install -d -m 750 -g "$NAME" "$ETC"
    install -d -m 700 "$ETC/credentials"
}

# Only what is not there: what stands there is the administrator's.
install_configuration() {
    [ -e "$CONFIG" ] || install -m 640 -g "$NAME" "$HERE/config.example.yaml" "$CONFIG"
    [ -e "$ETC/employees.csv" ] || install_employees
}

install_employees() {
    echo "email,user_code,name,language" >"$ETC/employees.csv"
    chmod 640 "$ETC/employees.csv"
    chgrp "$NAME" "$ETC/employees.csv"
}

# --------------------------------------------------------------------------------------------------- switching over

# use RELEASE: from here on everything is that version, units and command included.
use() {
    ln -sfn "$1" "$OPT/current.new"
    mv -T "$OPT/current.new" "$OPT/current"
    ln -sfn current/bin "$OPT/bin"
    ln -sfn "$OPT/current/systemd/command.sh" "$COMMAND"
    mkdir -p "$UNITS"
    for unit in "$1"/systemd/*.service; do install -m 644 "$unit" "$UNITS/"; done
    if systemd_runs; then systemctl daemon-reload; fi
}

# A version that does not accept the configuration which the daemon runs on is not switched to.
require_accepted_configurations() {
    for unit in $RUNNING; do
        config=$(config_of "$unit")
        as_user "$RELEASE/bin/$NAME" --config "$config" check --offline >"$LOG" 2>&1 || fail_with_log \
            "version $(version_here) does not accept $config, on which $unit runs" \
            "change it as is said above, and run install.sh again; nothing was changed, and the daemon runs on"
    done
}

# invoice-watcher@NAME.service runs on NAME.yaml.
config_of() {
    case $1 in
    "$NAME@"*) instance=${1#"$NAME@"} && echo "$ETC/${instance%.service}.yaml" ;;
    *) echo "$CONFIG" ;;
    esac
}

as_user() { setpriv --reuid="$NAME" --regid="$NAME" --init-groups --no-new-privs env HOME="$STATE" "$@"; }

restart_what_ran() {
    [ -n "$RUNNING" ] || return 0
    say "Restarting $RUNNING(the first start of a new version may have to change the journal, which can take minutes)"
    # shellcheck disable=SC2086 # the units are words
    systemctl restart $RUNNING
}

switch_over() {
    PREVIOUS=$(current_release)
    RUNNING=$(running_units | tr '\n' ' ')
    require_accepted_configurations
    SWITCHING=yes
    use "$RELEASE"
    if ! restart_what_ran; then
        go_back
        fail "version $(version_here) did not start, so $(basename "$PREVIOUS") was put back" \
            "journalctl -u $NAME -n 50 says why" \
            "if the old version refuses the journal now: docs/install.md says how to put its copy back"
    fi
    SWITCHING=
}

go_back() {
    SWITCHING=
    if [ -n "$PREVIOUS" ]; then
        use "$PREVIOUS"
        restart_what_ran || warn "the old version does not start either: journalctl -u $NAME -n 50 says why"
    else
        forget_switch
    fi
    rm -rf "$RELEASE"
}

forget_switch() { rm -f "$OPT/current" "$OPT/bin" "$COMMAND"; }

# The version before stays, so that what still runs from it finds its files; older ones, and what an interruption left, go.
drop_old_releases() {
    for release in "$OPT"/releases/*; do
        case $release in "$RELEASE" | "$PREVIOUS") ;; *) rm -rf "$release" ;; esac
    done
}

# ------------------------------------------------------------------------------------------------------- what follows

untouched() { cmp -s "$CONFIG" "$HERE/config.example.yaml"; }

# The first start is made here only where nothing is left to do for a person.
finish() {
    say "Installed $NAME $(version_here)."
    [ ! -e "/etc/systemd/system/$NAME.service" ] ||
        warn "/etc/systemd/system/$NAME.service goes before the unit that was installed: remove it, unless that is meant"
    if [ -n "$RUNNING" ]; then
        say "Restarted: $RUNNING"
    elif ! systemd_runs; then
        say "systemd does not run here, so nothing was started. Where it does: systemctl enable --now $NAME"
    elif untouched; then
        say_what_to_fill_in
    else
        start_if_all_is_well
    fi
}

start_if_all_is_well() {
    if systemctl is-enabled --quiet "$NAME" 2>/dev/null; then
        say "It was stopped, and stays so. To start it: systemctl start $NAME"
    elif "$COMMAND" check; then
        systemctl enable --now "$NAME"
        say "It runs, and is started at each boot. See: systemctl status $NAME, invoice-watcher status"
    else
        say "Not started, because of what is said above. Then: invoice-watcher check, and systemctl enable --now $NAME"
    fi
}

say_what_to_fill_in() {
    cat <<END

Next (docs/install.md leads through it):
  1. Fill in $CONFIG. These lines are examples in it:
$(grep -nE '^[^#]*(example|my-client|bucket:|exmail|credential:|env:)' "$CONFIG" | sed 's/^/       line /')
  2. Put the secrets that it names as {credential: NAME} into $ETC/credentials/NAME (mode 600), and tell the
     service of each, with: systemctl edit $NAME
       [Service]
       LoadCredential=NAME:$ETC/credentials/NAME
  3. See what is still missing:   invoice-watcher check
  4. Start it, now and at boot:   systemctl enable --now $NAME
END
}

# ------------------------------------------------------------------------------------------------------------ removal

remove() {
    installed || [ -d "$OPT" ] || say "No program is installed in $OPT."
    stop_and_disable
    for unit in "$NAME.service" "$NAME@.service"; do rm -rf "${UNITS:?}/$unit" "${UNITS:?}/$unit.d"; done
    rm -f "$LIB/sysusers.d/$NAME.conf" "$LIB/tmpfiles.d/$NAME.conf"
    if ours "$COMMAND"; then rm -f "$COMMAND"; fi
    rm -rf "$OPT"
    if systemd_runs; then systemctl daemon-reload; fi
    say "Removed the program, the units and the command."
}

stop_and_disable() {
    units="$NAME.service $(running_units | tr '\n' ' ')"
    # shellcheck disable=SC2086 # the units are words
    if systemd_runs; then systemctl disable --quiet --now $units 2>/dev/null || systemctl stop $units 2>/dev/null || true; fi
    rm -f "/etc/systemd/system/multi-user.target.wants/$NAME.service" \
        "/etc/systemd/system/multi-user.target.wants/$NAME@"*.service
}

say_what_stays() {
    say "What stays: $ETC (configuration and credentials), $STATE (the journal), the user $NAME, and what was written"
    say "with systemctl edit. sudo ./install.sh --purge removes these too."
}

purge() {
    cat <<END
This deletes for good:
  $ETC                      the configuration and its credentials
  $STATE                  the journal, with what was booked: a document that arrives again would be booked again
  /etc/systemd/system/$NAME*.service.d  what was written with systemctl edit
  the user $NAME
Watched folders, mailboxes, stores, and a journal on PostgreSQL are left as they are.
END
    require_yes
    remove
    rm -rf "$ETC" "$STATE" "/etc/systemd/system/$NAME.service.d" "/etc/systemd/system/$NAME@"*.service.d
    if getent passwd "$NAME" >/dev/null; then userdel "$NAME" 2>/dev/null || warn "the user $NAME could not be removed"; fi
    say "Removed configuration, credentials, journal and user."
}

require_yes() {
    [ "$YES" = no ] || return 0
    [ -t 0 ] || fail "nothing was deleted: there is no terminal to ask on" "run: sudo ./install.sh --purge --yes"
    printf 'Type "delete" to go on: '
    read -r answer
    [ "$answer" = delete ] || fail "nothing was deleted"
}

# -------------------------------------------------------------------------------------------------------------- main

# Whether a command is the link that this script makes.
ours() { [ "$(readlink "$1")" = "$OPT/current/systemd/command.sh" ]; }

require_places() {
    [ ! -e "$OPT/pyvenv.cfg" ] || fail "$OPT is an environment that was made by hand" \
        "move it away, and run install.sh again: systemctl stop $NAME; mv $OPT $OPT.old"
    { [ ! -e "$COMMAND" ] && [ ! -L "$COMMAND" ]; } || ours "$COMMAND" ||
        fail "$COMMAND is there already, and not by this script" "move it away, and run install.sh again"
}

install_all() {
    require_project
    require_places
    install_system_packages
    install_accounts_and_folders
    install_configuration
    build_release
    switch_over
    drop_old_releases
    finish
}

# However this ends: nothing half-built stays, and nothing half-switched.
on_exit() {
    status=$?
    trap - EXIT
    if [ -n "$SWITCHING" ]; then go_back; fi
    if [ -n "$BUILDING" ]; then rm -rf "$BUILDING"; fi
    rm -f "$LOG"
    exit "$status"
}

main() {
    action=install_all
    YES=no
    for option in "$@"; do
        case $option in
        --help | -h) usage && exit ;;
        --remove) action=remove ;;
        --purge) action=purge ;;
        --yes) YES=yes ;;
        *) usage >&2 && exit 2 ;;
        esac
    done
    require_root "$@"
    lock
    BUILDING='' SWITCHING='' RELEASE='' PREVIOUS='' RUNNING=''
    LOG=$(mktemp)
    trap on_exit EXIT
    trap 'exit 130' INT TERM HUP
    HERE=$(cd "$(dirname "$0")" && pwd -P)
    $action
    if [ "$action" = remove ]; then say_what_stays; fi
}

main "$@"
