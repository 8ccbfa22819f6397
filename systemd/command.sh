#!/bin/sh
# invoice-watcher as people call it: /usr/local/bin/invoice-watcher leads here.
#
# What root calls is done by the service's user: so nothing that the daemon must open comes to belong to root, and a database
# or a share answers as it does to the daemon. `check` and `run` moreover get the credentials, the environment and the view of
# the file system that the unit has: what the daemon could not read or write, `check` cannot either, and says so.
set -eu

NAME=invoice-watcher
PROGRAM=/opt/$NAME/current/bin/$NAME
ETC=/etc/$NAME
STATE=/var/lib/$NAME
# What of the unit's settings bears upon what is found.
SETTINGS="User|Group|SupplementaryGroups|UMask|StateDirectory|StateDirectoryMode|Environment|EnvironmentFile|\
LoadCredential|LoadCredentialEncrypted|SetCredential|SetCredentialEncrypted|ImportCredential|\
ProtectSystem|ProtectHome|PrivateTmp|PrivateDevices|PrivateNetwork|ReadWritePaths|ReadOnlyPaths|InaccessiblePaths|\
BindPaths|BindReadOnlyPaths|TemporaryFileSystem|RestrictAddressFamilies|IPAddressAllow|IPAddressDeny"

# The command among the arguments, and the configuration that they name.
read_arguments() {
    command='' config=${INVOICE_WATCHER_CONFIG:-} before=''
    for word in "$@"; do
        case $before$word in
        -c | --config) before='value of ' ;;
        'value of '*) config=$word before='' ;;
        --config=*) config=${word#*=} ;;
        -*) ;;
        *) command=$word && break ;;
        esac
    done
    [ -n "$config" ] || config=$(found_configuration)
}

# Looked for here, because the user may not be allowed to look around in root's folders.
found_configuration() {
    if [ -f config.yaml ]; then echo "$PWD/config.yaml"; else echo "$ETC/config.yaml"; fi
}

# The unit that runs on this configuration; nothing where none does.
unit_of() {
    case $(readlink -m "$1") in
    "$ETC/config.yaml") echo "$NAME.service" ;;
    "$ETC"/*.yaml) echo "$NAME@$(basename "$1" .yaml).service" ;;
    esac
}

# settings_of UNIT: those of its SETTINGS, last line first.
settings_of() {
    instance=${1#*@}
    systemctl cat "$1" | awk -v keys="^($SETTINGS)=" -v instance="${instance%.service}" '
        /^[#;]/ { next }
        { line = line $0 }
        sub(/\\$/, " ", line) { next }
        line ~ /^\[/ { section = line }
        section == "[Service]" && line ~ keys { gsub(/%i/, instance, line); gsub(/%%/, "%", line); print line }
        { line = "" }' | tac
}

# As the unit runs it, where there is one and a systemd to ask.
as_the_unit() {
    unit=$(unit_of "$config")
    if [ -z "$unit" ] || [ ! -S /run/dbus/system_bus_socket ] || ! systemctl cat "$unit" >/dev/null 2>&1; then return; fi
    set -- --setenv="INVOICE_WATCHER_CONFIG=$config" --property="WorkingDirectory=-$PWD" -- "$PROGRAM" "$@"
    while IFS= read -r setting; do
        set -- --property="$setting" "$@"
    done <<END
$(settings_of "$unit")
END
    exec systemd-run --quiet --collect --wait --pipe --pty "$@"
}

# as_the_user CAPABILITIES ARGUMENT…
as_the_user() {
    capabilities=$1
    shift
    exec setpriv --reuid="$NAME" --regid="$NAME" --init-groups --no-new-privs \
        --inh-caps="$capabilities" --ambient-caps="$capabilities" --bounding-set="$capabilities" \
        env HOME="$STATE" INVOICE_WATCHER_CONFIG="$config" "$PROGRAM" "$@"
}

[ "$(id -u)" = 0 ] || exec "$PROGRAM" "$@"
read_arguments "$@"
case $command in
'' | demo | sandbox | schema) exec "$PROGRAM" "$@" ;;
check | run) as_the_unit "$@" ;;
esac
# The table is written where root says.
if [ "$command" = export ]; then as_the_user -all,+dac_override "$@"; fi
as_the_user -all "$@"
