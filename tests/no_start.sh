#!/bin/sh
# SPDX-License-Identifier: MIT
# Stands in for the programs by which a package has its service enabled and started while apt-get runs: setup.sh puts it before them in dpkg's
# path, under their names, for that one run. A service that was on this machine before stays with the real program. A new one is neither
# enabled nor started. A Dovecot that was here before is not restarted: with dovecot-pop3d it would begin to serve POP3.
#     invoke-rc.d | update-rc.d | service [OPTION]... SERVICE ACTION       deb-systemd-invoke | deb-systemd-helper | systemctl [OPTION]... ACTION UNIT...
# The folder that holds these names also has `before`, the services that were here, one a line.
set -u
name=${0##*/}
here=${0%/*}

really() {
    IFS=:
    for folder in $PATH; do
        [ "$folder" != "$here" ] && [ -x "$folder/$name" ] && exec "$folder/$name" "$@"
    done
    exit 0
}

# The first and the second word that is no option, and a service's name without what systemd adds to it.
first= second=
for word in "$@"; do
    case $word in
    -*) ;;
    *) if [ -z "$first" ]; then first=$word; else second=${second:-$word}; fi ;;
    esac
done
case $name in
invoke-rc.d | update-rc.d | service) service=$first action=$second ;;
*) service=$second action=$first ;;
esac
service=${service##*/}
service=${service%.service}
service=${service%.socket}
service=${service%.timer}

if [ -z "$service" ]; then
    really "$@"
elif grep -q -x -F -e "$service" "$here/before"; then
    case $service:$action in
    dovecot:start | dovecot:*restart | dovecot:*reload) ;;
    *) really "$@" ;;
    esac
fi
case $name:$action in
deb-systemd-helper:was-enabled | deb-systemd-helper:debian-installed) exit 1 ;; # its package then does not enable it
update-rc.d:defaults) really "$service" defaults-disabled ;;
deb-systemd-helper:enable | update-rc.d:enable | systemctl:*enable | *:start | *:*restart | *:*reload) ;;
*) really "$@" ;;
esac
echo "setup.sh: $service is left as it is ($name $action)"
