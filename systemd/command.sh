#!/bin/sh
# invoice-watcher, as it is called by a person: /usr/local/bin/invoice-watcher leads here.
#
# What root calls is done as the service's user, so that nothing that the daemon must open belongs to root, and so that
# `check` finds what the daemon would find.
set -eu

NAME=invoice-watcher
PROGRAM=/opt/$NAME/current/bin/$NAME
STATE=/var/lib/$NAME

[ "$(id -u)" = 0 ] || exec "$PROGRAM" "$@"

exec setpriv --reuid="$NAME" --regid="$NAME" --init-groups --no-new-privs env HOME="$STATE" \
    INVOICE_WATCHER_CONFIG="${INVOICE_WATCHER_CONFIG:-/etc/$NAME/config.yaml}" "$PROGRAM" "$@"
