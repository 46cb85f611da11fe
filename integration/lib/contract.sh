# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Contracts made with plain openssl, as the documentation of the original runtime says: nothing here
# uses our own code, so that the guest is tested against a second implementation.
# Needs the variables of build/world/env.

one_line() { base64 -w0 < "$1"; }

# seal FILE CERTIFICATE: prints the token of the section in FILE
seal() {
  local password sealed data
  password=$(mktemp /dev/shm/hpl-password.XXXXXX)
  while :; do
    openssl rand 32 > "$password"
    # refused when the password begins with a zero byte: draw another
    data=$(openssl enc -aes-256-cbc -pbkdf2 -pass stdin -in "$1" 2> /dev/null < "$password" | base64 -w0)
    [ -z "$data" ] || break
  done
  sealed=$(openssl pkeyutl -encrypt -certin -inkey "$2" -pkeyopt rsa_padding_mode:pkcs1 \
    -in "$password" | base64 -w0)
  rm -f "$password"
  echo "hyper-protect-basic.$sealed.$data"
}

# compose_archive DIR: base64 of the tar.gz of a compose folder
compose_archive() { tar -C "$1" --sort=name --owner=0 --group=0 -czf - . | base64 -w0; }

# write_workload FILE compose|pod IMAGE SEED
write_workload() {
  local file=$1 kind=$2 image=$3 seed=$4 dir
  dir=$(mktemp -d)
  {
    echo "type: workload"
    if [ "$kind" = compose ]; then
      cat > "$dir/docker-compose.yaml" << END
version: "3"
services:
  counter:
    image: $image
    environment:
      GREETING: \${GREETING}
    volumes:
      - /mnt/data:/data
      - /var/hyperprotect:/evidence:ro
    restart: "no"
END
      printf 'compose:\n  archive: %s\n' "$(compose_archive "$dir")"
    else
      cat << END
play:
  resources:
    - apiVersion: v1
      kind: Pod
      metadata:
        name: demo
      spec:
        restartPolicy: Never
        containers:
          - name: counter
            image: $image
            envFrom:
              - configMapRef:
                  name: contract.config.map
                  optional: false
            volumeMounts:
              - name: data
                mountPath: /data
              - name: evidence
                mountPath: /evidence
                readOnly: true
        volumes:
          - name: data
            hostPath:
              path: /mnt/data
              type: Directory
          - name: evidence
            hostPath:
              path: /var/hyperprotect
              type: Directory
END
    fi
    cat << END
env:
  GREETING: hello
volumes:
  test:
    seed: $seed
    mount: /mnt/data
    filesystem: ext4
END
  } > "$file"
  rm -rf "$dir"
}

# write_env FILE SEED SIGNING_PUBLIC_KEY
write_env() {
  cat > "$1" << END
type: env
logging:
  syslog:
    hostname: $GUEST_HOST
    port: $LOG_PORT
    server: $(one_line "$WORLD_DIR/ca.crt")
    cert: $(one_line "$WORLD_DIR/client.crt")
    key: $(one_line "$WORLD_DIR/client.key")
volumes:
  test:
    seed: $2
auths:
  "$GUEST_HOST:$REGISTRY_PORT":
    username: $REGISTRY_USER
    password: $REGISTRY_PASSWORD
cacerts:
  - registry: $(one_line "$WORLD_DIR/ca.crt")
signingKey: $(one_line "$3")
END
}

# sign_sections PRIVATE_KEY WORKLOAD ENV: base64 over the two texts, workload first
sign_sections() {
  printf '%s%s' "$2" "$3" | tr -d '\n\r' | openssl dgst -sha256 -sign "$1" | openssl enc -base64 -A
}

# write_contract FILE CERTIFICATE WORKLOAD_FILE ENV_FILE SIGNING_KEY
write_contract() {
  local workload env
  workload=$(seal "$3" "$2")
  env=$(seal "$4" "$2")
  printf 'env: %s\nworkload: %s\nenvWorkloadSignature: %s\n' "$env" "$workload" \
    "$(sign_sections "$5" "$workload" "$env")" > "$1"
}
