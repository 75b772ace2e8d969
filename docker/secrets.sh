#!/bin/sh
# Makes the passwords and tokens that compose.yaml names, once: sh secrets.sh.
#
# The folder is closed to everybody else on this machine. The files in it are not, since Compose
# mounts them as they are, and the user of a container is neither you nor root.
set -eu
cd "$(dirname "$0")"

if [ -e secrets ]; then
    echo "secrets.sh: docker/secrets is there already; nothing was changed" >&2
    exit 2
fi

word() {
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

umask 022
rm -rf secrets.new
mkdir -m 700 secrets.new
for name in database_password proxy_token dashboard_token viewer_token; do
    word >"secrets.new/$name.txt"
done
printf 'postgresql://a3b_tune:%s@postgres/a3b_tune' "$(cat secrets.new/database_password.txt)" \
    >secrets.new/database_url.txt
mv secrets.new secrets
echo "docker/secrets/dashboard_token.txt opens the dashboard, viewer_token.txt to look only"
