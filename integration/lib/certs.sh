# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Keys and certificates of an image: root -> intermediate -> encryption, attestation.

# image_certs KEYS CERTS: private keys of the two leaves to KEYS (a directory in memory), all
# certificates to CERTS; the keys of root and intermediate exist no longer than this function
image_certs() {
  local keys=$1 certs=$2 name subject
  mkdir -p "$certs"
  for name in root-ca intermediate contract attestation; do
    openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -out "$keys/$name.key" 2> /dev/null ||
      openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -out "$keys/$name.key" 2> /dev/null &
  done
  wait
  subject="/O=openhpl/OU=guest image"
  openssl req -x509 -new -sha512 -key "$keys/root-ca.key" -days 3650 \
    -subj "$subject/CN=openhpl root" -addext basicConstraints=critical,CA:TRUE \
    -addext keyUsage=critical,keyCertSign,cRLSign -out "$certs/root-ca.crt"
  issue "$keys/intermediate.key" "$subject/CN=openhpl intermediate" root-ca 1825 \
    'basicConstraints=critical,CA:TRUE,pathlen:0' 'keyUsage=critical,keyCertSign,cRLSign' \
    > "$certs/intermediate.crt"
  issue "$keys/contract.key" "$subject/CN=openhpl contract encryption" intermediate 365 \
    'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,keyEncipherment,dataEncipherment' \
    > "$certs/encrypt.crt"
  issue "$keys/attestation.key" "$subject/CN=openhpl attestation" intermediate 365 \
    'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature' \
    > "$certs/attestation.crt"
  rm -f "$keys/root-ca.key" "$keys/intermediate.key"
}

# issue KEY SUBJECT ISSUER DAYS EXTENSION...: a certificate on standard output
issue() {
  local key=$1 subject=$2 issuer=$3 days=$4
  shift 4
  openssl req -new -key "$key" -subj "$subject" |
    openssl x509 -req -sha512 -days "$days" -CA "$certs/$issuer.crt" -CAkey "$keys/$issuer.key" \
      -set_serial "0x$(openssl rand -hex 16)" \
      -extfile <(printf '%s\n' "$@" 'subjectKeyIdentifier=hash' 'authorityKeyIdentifier=keyid') 2> /dev/null
}
