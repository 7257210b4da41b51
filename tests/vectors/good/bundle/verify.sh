#!/bin/sh
# Verifies an evidence bundle (containerir-bundle/1) with openssl and what every Debian has: POSIX sh, coreutils, find, grep, sed, diff.
#
#   sh verify.sh [--ca FILE] [--tsa-ca FILE] [BUNDLE]
#
# Take this script from the project's release, not from a bundle you do not trust yet.
# It reads, and writes only to a temporary directory. One line for each check, then the verdict.
# Exit 0: verified. Exit 3: any other verdict. Exit 2: it could not be run.
# It does not decompress, and of ML-DSA-65 it needs openssl 3.5; it says so where that matters.
set -u
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
umask 077
unset CDPATH GREP_OPTIONS OPENSSL_CONF POSIXLY_CORRECT

usage() { printf 'usage: sh verify.sh [--ca FILE] [--tsa-ca FILE] [BUNDLE]\n' >&2; exit 2; }
absolute() { case $1 in /*) printf '%s' "$1" ;; *) printf '%s/%s' "$(pwd)" "$1" ;; esac; }

ca='' tsa_ca='' bundle=.
while [ $# -gt 0 ]; do
  case $1 in
    --ca) [ $# -gt 1 ] || usage; ca=$(absolute "$2"); shift 2 ;;
    --tsa-ca) [ $# -gt 1 ] || usage; tsa_ca=$(absolute "$2"); shift 2 ;;
    -*) usage ;;
    *) bundle=$1; shift ;;
  esac
done
for tool in openssl sha256sum sha512sum basenc split paste diff find sed grep; do
  command -v "$tool" >/dev/null || { printf 'verify.sh needs %s\n' "$tool" >&2; exit 2; }
done
for file in "$ca" "$tsa_ca"; do
  [ -z "$file" ] || [ -f "$file" ] || { printf 'no such file: %s\n' "$file" >&2; exit 2; }
done
cd -- "$bundle" || exit 2
t=$(mktemp -d) || exit 2
trap 'rm -rf -- "$t"' EXIT
trap 'exit 2' HUP INT TERM

failed=0 untrusted=0
: >"$t/responder"
ok() { printf 'ok      %s\n' "$1"; }
note() { printf 'note    %s\n' "$1"; }
bad() { printf 'FAILED  %s\n' "$1"; failed=1; }
distrust() { printf 'FAILED  %s\n' "$1"; untrusted=1; }
# Prints up to 20 lines of a file; whatever could act on a terminal is shown as ?.
show() { head -n 20 -- "$1" | cut -c 1-200 | tr -c ' -~\n' '?' | sed 's/^/        /'; }
# $1: what holds when the file $2 is empty.
none() { if [ -s "$2" ]; then bad "$1"; show "$2"; else ok "$1"; fi; }
# $1: what holds when the files $2 and $3 are the same.
same() { diff -- "$2" "$3" >"$t/same"; none "$1" "$t/same"; }
verdict() { printf 'VERDICT: %s\n' "$1"; [ "$1" = VERIFIED ] || exit 3; exit 0; }
unhex() { tr a-f A-F | tr -d '\n' | basenc --base16 -d; }
size() { wc -c <"$1" | tr -d ' '; }
# Seconds since 1970 of a time as openssl prints it: Nov 22 20:33:08 2026
seconds() {
  set -- $1
  case ${1:-} in
    Jan) m=01 ;; Feb) m=02 ;; Mar) m=03 ;; Apr) m=04 ;; May) m=05 ;; Jun) m=06 ;; Jul) m=07 ;; Aug) m=08 ;; Sep) m=09 ;; Oct) m=10 ;; Nov) m=11 ;; Dec) m=12 ;; *) return 1 ;;
  esac
  case $2 in ?) set -- "$1" "0$2" "$3" "$4" ;; esac
  date -u -d "$4-$m-$2 $3" +%s
}
# $1: sha256sum or sha512sum; $2: a well-formed manifest. Each file it names is there and has its digest.
sums() { if [ ! -s "$2" ] || "$1" -c "$2" >"$t/sums" 2>&1; then ok "$1 of the files $2 names"; else bad "$1 of the files $2 names"; grep -v ': OK$' "$t/sums" >"$t/d"; show "$t/d"; fi; }
# Lines that are JSON, nested at most $1 deep, become n; prints those that do not. $2: the file.
not_json() {
  sed -E -e 's/"[^"\\]*(\\(["\\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\]*)*"/s/g' -e 's/-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/n/g' -e 's/true|false|null/n/g' \
    -e ':a' -e 's/\{(s: ?[sn](,s: ?[sn])*)?\}|\[([sn](,[sn])*)?\]/n/g' -e 'tb' -e 'bc' -e ':b' -e 's/$/#/' -e 'ta' -e ':c' -- "$2" | grep -v -E "^n#{1,$1}\$"
}

# 1. Structure. Nothing below goes on with a name that is not plain, or with anything but files and directories.
if [ ! -e tagmanifest-sha256.txt ] && [ ! -L tagmanifest-sha256.txt ]; then
  note 'tagmanifest-sha256.txt is missing: the bundle was never sealed, or its root was taken away'
  verdict UNSEALED
fi
find . ! -type d ! -type f >"$t/special"
find . ! -name . \( -name '*[!A-Za-z0-9._-]*' -o -name '.*' -o -name '-*' \) >"$t/names"
{ find . -mindepth 9; find . | grep -E '^.{203}'; } >>"$t/names"
none 'no links and no special files' "$t/special"
none 'plain names only' "$t/names"
if [ $failed -ne 0 ]; then verdict TAMPERED; fi
find . -type f \( -name '*.partial' -o -name '*.tmp' \) >"$t/partial"
none 'no half-written files' "$t/partial"
tags='README.txt bag-info.txt bagit.txt checkpoint.txt checkpoint.vkey custody.json journal.jsonl manifest-sha256.txt manifest-sha512.txt verify.sh'
printf '%s\n' $tags >"$t/tags"
{ cat "$t/tags"; printf 'tagmanifest-sha256.txt\n'; } | sort >"$t/expected"
find . -type f ! -path './data/*' ! -path './seal/*' | sed 's|^\./||' | sort >"$t/outside"
same 'exactly the files of the format outside data/ and seal/' "$t/expected" "$t/outside"
find . -mindepth 1 -type d ! -path ./data ! -path './data/*' ! -path ./seal >"$t/d"
none 'no other directories' "$t/d"
find seal -type f 2>/dev/null | grep -v -E '^seal/([0-9]{4}-(responder|witness)\.(p7s|p7s\.tsr)|0001-responder\.mldsa65\.p7s|(certs|tsa-certs)\.pem|custody-[0-9]{4}\.json(\.(giver|receiver))?(\.p7s)?(\.tsr)?)$' >"$t/d"
none 'no unknown file in seal/' "$t/d"
{ find data -type f 2>/dev/null | grep -v -E '^data/[0-9]{4}-[A-Za-z0-9._-]+/'; find data -mindepth 1 -type d -empty 2>/dev/null; } >"$t/d"
none 'everything in data/ is a file in a section' "$t/d"
for file in $tags seal/0001-responder.p7s seal/certs.pem; do
  if [ ! -f "$file" ]; then bad "$file is there"; fi
done
if [ $failed -ne 0 ]; then verdict TAMPERED; fi
for limit in 1024:bagit.txt 16384:bag-info.txt 65536:tagmanifest-sha256.txt 4096:checkpoint.txt 4096:checkpoint.vkey 67108864:custody.json 524288:seal/certs.pem; do
  if [ "$(size "${limit#*:}")" -gt "${limit%%:*}" ]; then bad "${limit#*:} is not larger than any honest one"; verdict TAMPERED; fi
done

# 2. The manifests are manifests, and name nothing outside the bundle. Only then are they given to sha256sum.
segment='[A-Za-z0-9_][A-Za-z0-9._-]*'
for m in tagmanifest-sha256 manifest-sha256 manifest-sha512; do
  case $m in tag*) line="[0-9a-f]{64}  $segment" ;; *256) line="[0-9a-f]{64}  data(/$segment)+" ;; *) line="[0-9a-f]{128}  data(/$segment)+" ;; esac
  grep -v -E "^$line\$" "$m.txt" >"$t/d"
  [ ! -s "$m.txt" ] || [ "$(tail -c 1 "$m.txt" | wc -l)" -eq 1 ] || printf 'no line feed at its end\n' >>"$t/d"
  none "$m.txt is well formed" "$t/d"
  sed 's/^[0-9a-f]*  //' "$m.txt" >"$t/unsorted"
  sort "$t/unsorted" >"$t/$m"
  if ! cmp -s "$t/unsorted" "$t/$m"; then bad "$m.txt is in byte order of path"; fi
  uniq -d "$t/$m" >"$t/d"
  none "$m.txt names no path twice" "$t/d"
done
if [ $failed -ne 0 ]; then verdict TAMPERED; fi

# 3. bag-info.txt: known labels once, a known policy.
printf 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n' >"$t/bagit"
same 'bagit.txt declares BagIt 1.0 in UTF-8' "$t/bagit" bagit.txt
value() { sed -n "s/^$1: //p" bag-info.txt; }
sed 's/: .*//' bag-info.txt | sort | uniq -d >"$t/d"
grep -v -E '^(.+: .*)?$' bag-info.txt >>"$t/d"
for label in Bag-Software-Agent Bagging-Date ContainerIR-Case ContainerIR-Bundle-Id External-Identifier Payload-Oxum; do
  grep -q "^$label: *[^ ]" bag-info.txt || printf 'no %s\n' "$label" >>"$t/d"
done
[ "$(value ContainerIR-Schema)" = containerir-bundle/1 ] || printf 'another format than containerir-bundle/1\n' >>"$t/d"
none 'bag-info.txt has its labels, each once' "$t/d"
policy=$(value ContainerIR-Seal-Policy) id=$(value ContainerIR-Bundle-Id) name=$(value External-Identifier)
case $policy in
  sig=p256\;tsa=required\;pq=none | sig=p256\;tsa=optional\;pq=none | sig=p256\;tsa=none\;pq=none | \
  sig=p256\;tsa=required\;pq=mldsa65 | sig=p256\;tsa=optional\;pq=mldsa65 | sig=p256\;tsa=none\;pq=mldsa65) ok "seal policy $policy" ;;
  *) bad 'seal policy is known'; verdict TAMPERED ;;
esac
if ! printf '%s' "$id" | grep -q -x -E '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' || ! printf '%s' "$name" | grep -q -x -E '[A-Za-z0-9_][A-Za-z0-9._-]{0,99}'; then
  bad 'bundle id and name are of their form'
  verdict TAMPERED
fi

# 4. Time-stamp tokens: each is over the file it is named for. Its time is the one at which the signer's certificate is judged.
# $1: token file; $2, $3: -data FILE or -digest HEX. Leaves its certificates in $t/token.pem and its time in $token_at.
token() {
  openssl ts -reply -in "$1" -text >"$t/token.txt" 2>/dev/null
  openssl ts -reply -in "$1" -token_out -out "$t/token" >/dev/null 2>&1
  openssl pkcs7 -inform DER -in "$t/token" -print_certs 2>/dev/null | grep -v -E '^(subject|issuer)=|^$' >"$t/token.pem"
  token_at=$(sed -n 's/^Time stamp: \([A-Z][a-z][a-z] [ 0-9][0-9] [0-9:]*\)\(\.[0-9]*\)\{0,1\} \([0-9]*\) GMT$/\1 \3/p' "$t/token.txt")
  [ -n "$token_at" ] && token_at=$(seconds "$token_at") && grep -q '^Hash Algorithm: sha256$' "$t/token.txt" && [ "$(size "$1")" -le 65536 ] &&
    openssl ts -verify "$2" "$3" -in "$1" -CAfile "$t/token.pem" -partial_chain -attime "$token_at" >"$t/err" 2>&1
}
: >"$t/all-tokens.pem"
for tsr in seal/*.tsr; do
  [ -f "$tsr" ] || continue
  if [ -f "${tsr%.tsr}" ] && token "$tsr" -data "${tsr%.tsr}"; then
    ok "$tsr is a token over ${tsr%.tsr}"
    printf '%s\n' "$token_at" >"$t/$(basename -- "$tsr").at"
    cat "$t/token.pem" >>"$t/all-tokens.pem"
    if [ -z "$tsa_ca" ]; then
      note "whether its authority is trusted was not checked: give --tsa-ca FILE"
    elif openssl ts -verify -data "${tsr%.tsr}" -in "$tsr" -CAfile "$tsa_ca" -attime "$token_at" >"$t/err" 2>&1; then
      ok "$tsr is by the authority given"
    else
      distrust "$tsr is by the authority given"
      show "$t/err"
    fi
  else
    bad "$tsr is a token over the file it is named for"
    show "$t/err"
  fi
done
# Blocks of a PEM file, one a line, sorted.
blocks() { tr -d '\n' <"$1" | sed 's/-----END CERTIFICATE-----/&@/g' | tr '@' '\n' | sort -u; }
# $1 holds nothing but certificates, each once, and just those of $2.
certificates() {
  openssl crl2pkcs7 -nocrl -certfile "$1" 2>/dev/null | openssl pkcs7 -print_certs 2>/dev/null | grep -v -E '^(subject|issuer)=|^$' | cmp -s - "$1" || return 1
  blocks "$1" >"$t/blocks1"
  blocks "$2" >"$t/blocks2"
  cmp -s "$t/blocks1" "$t/blocks2" && [ "$(grep -c BEGIN "$1")" -eq "$(wc -l <"$t/blocks1")" ]
}
if [ -f seal/tsa-certs.pem ]; then
  if certificates seal/tsa-certs.pem "$t/all-tokens.pem"; then ok 'seal/tsa-certs.pem holds the certificates of the tokens'; else bad 'seal/tsa-certs.pem holds the certificates of the tokens'; fi
fi
case $policy in
  *tsa=required*) if [ -f seal/0001-responder.p7s.tsr ]; then ok 'the time-stamp token the policy demands is there'; else bad 'the time-stamp token the policy demands is there'; fi ;;
esac

# 5. Signatures over the root, before anything the root says is believed.
root='-binary -inform DER -content tagmanifest-sha256.txt -out /dev/null -no-CApath -no-CAstore'
# One signer, four signed attributes, nothing unsigned, DER and no byte more: what CMS leaves free is no place to hide something.
profile() {
  openssl cms -cmsout -print -noout -inform DER -in "$1" 2>/dev/null >"$t/cms"
  openssl cms -cmsout -inform DER -outform DER -in "$1" -out "$t/der" 2>/dev/null && cmp -s "$t/der" "$1" && [ "$(size "$1")" -le 262144 ] &&
    grep -q '^      eContent: <ABSENT>$' "$t/cms" && [ "$(sed -n '/^    crls:$/{n;p;}' "$t/cms")" = '      <ABSENT>' ] &&
    sed -n '/^    signerInfos:$/,$p' "$t/cms" >"$t/signer" && [ "$(grep -c '^        version: ' "$t/signer")" -eq 1 ] &&
    [ "$(grep -c '^            object: ' "$t/signer")" -eq 4 ] && [ "$(sed -n '/^        unsignedAttrs:$/{n;p;}' "$t/signer")" = '          <ABSENT>' ] &&
    grep -q '^          algorithm: ecdsa-with-SHA256 ' "$t/signer" && grep -q '^            object: signingTime ' "$t/signer" &&
    grep -q '^            object: id-smime-aa-signingCertificateV2 ' "$t/signer" &&
    openssl pkcs7 -inform DER -in "$1" -print_certs 2>/dev/null | grep -v -E '^(subject|issuer)=|^$' >>"$t/all-signers.pem"
}
: >"$t/all-signers.pem"
for p7s in seal/[0-9][0-9][0-9][0-9]-responder.p7s seal/[0-9][0-9][0-9][0-9]-witness.p7s; do
  [ -f "$p7s" ] || continue
  if ! profile "$p7s" || ! openssl cms -verify -cades $root -in "$p7s" -CAfile seal/certs.pem -partial_chain -no_check_time -purpose any -signer "$t/signer.pem" 2>"$t/err" ||
    ! openssl x509 -in "$t/signer.pem" -noout -text | grep -q 'ASN1 OID: prime256v1'; then
    bad "$p7s signs this root, as the format wants it"
    show "$t/err"
    continue
  fi
  ok "$p7s signs this root"
  { openssl x509 -in "$t/signer.pem" -noout -subject; openssl x509 -in "$t/signer.pem" -outform DER | sha256sum | sed 's/ .*//; s/^/certificate SHA-256 /'; } >"$t/who" 2>&1
  show "$t/who"
  [ "$p7s" != seal/0001-responder.p7s ] || sed -n 's/^certificate SHA-256 //p' "$t/who" >"$t/responder"
  if [ -f "$t/$(basename -- "$p7s").tsr.at" ]; then
    at=$(cat "$t/$(basename -- "$p7s").tsr.at")
    note "its certificate is judged at $(date -u -d "@$at" +%Y-%m-%dT%H:%M:%SZ), the time of its time-stamp token"
  else
    at=$(seconds "$(sed -n '/^            object: signingTime /,/TIME:/s/^ *UTCTIME:\(.*\) GMT$/\1/p' "$t/signer")") || at=0
    note "its certificate is judged at $(date -u -d "@$at" +%Y-%m-%dT%H:%M:%SZ), the time the signer claims: no token proves it"
  fi
  if openssl cms -verify -cades $root -in "$p7s" -CAfile seal/certs.pem -partial_chain -attime "$at" 2>"$t/err"; then
    ok "$p7s: the certificate is for signatures, and was valid then"
  else
    distrust "$p7s: the certificate is for signatures, and was valid then"
    show "$t/err"
  fi
  if [ -z "$ca" ]; then
    note 'no --ca was given: the bytes are proven, who signed them is not. Compare the certificate with the signer by another way.'
  elif openssl cms -verify -cades $root -in "$p7s" -CAfile "$ca" -attime "$at" 2>"$t/err"; then
    ok "$p7s: the certificate leads to the authority given"
  else
    distrust "$p7s: the certificate leads to the authority given"
    show "$t/err"
  fi
done
if certificates seal/certs.pem "$t/all-signers.pem"; then ok 'seal/certs.pem holds the certificates of the signatures'; else bad 'seal/certs.pem holds the certificates of the signatures'; fi
pq=seal/0001-responder.mldsa65.p7s
case $policy in *pq=mldsa65*) if [ ! -f "$pq" ]; then bad 'the post-quantum signature the policy demands is there'; fi ;; esac
if [ -f "$pq" ]; then
  if ! openssl list -signature-algorithms 2>/dev/null | grep -q -i 'ML-DSA-65'; then
    note "$pq was not checked: that needs openssl 3.5 or newer"
  elif openssl cms -verify -noverify $root -in "$pq" 2>"$t/err"; then
    ok "$pq signs this root"
  else
    bad "$pq signs this root"
    show "$t/err"
  fi
fi

# 6. Root, manifests, files.
same 'the root lists exactly the files of the format' "$t/tags" "$t/tagmanifest-sha256"
sums sha256sum tagmanifest-sha256.txt
find data -type f 2>/dev/null | sort >"$t/files"
same 'manifest-sha256.txt lists every file in data/ and no other' "$t/files" "$t/manifest-sha256"
same 'manifest-sha512.txt lists every file in data/ and no other' "$t/files" "$t/manifest-sha512"
sums sha256sum manifest-sha256.txt
sums sha512sum manifest-sha512.txt
find data -type f -exec stat -c '%n %s' {} + 2>/dev/null | sort >"$t/sizes"
bytes=0 count=0
while read -r path length; do bytes=$((bytes + length)) count=$((count + 1)); done <"$t/sizes"
if [ "$(value Payload-Oxum)" = "$bytes.$count" ]; then ok "Payload-Oxum $bytes.$count"; else bad "Payload-Oxum is $bytes.$count"; fi

# 7. Items stored as frames: each frame lies where the chunk list says and has its digest, then comes the seek table of just these frames.
le32() { printf '%02x%02x%02x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)); }
# The content size a zstd frame at offset $2 of file $1 states (RFC 8878 section 3.1.1.1).
stated() {
  set -- $(od -An -v -tu1 -j "$2" -N 14 -- "$1")
  [ "${1:-}.${2:-}.${3:-}.${4:-}" = 40.181.47.253 ] && [ $# -eq 14 ] || return 1
  flag=$(($5 >> 6)) single=$(($5 >> 5 & 1)) && shift $((6 - single))
  case $flag.$single in
    0.1) printf '%s' "$1" ;;
    1.?) printf '%s' $(($1 + $2 * 256 + 256)) ;;
    2.?) printf '%s' $(($1 + $2 * 256 + $3 * 65536 + $4 * 16777216)) ;;
    *) return 1 ;;
  esac
}
number='(0|[1-9][0-9]{0,17})'
frames() {
  grep -v -E "^\{\"i\":$number,\"off\":$number,\"len\":[1-9][0-9]{0,6},\"raw_off\":$number,\"raw_len\":[1-9][0-9]{0,6},\"sha256\":\"[0-9a-f]{64}\",\"raw_sha256\":\"[0-9a-f]{64}\"\}\$" "$1.chunks.jsonl" && return 1
  sed 's/^{"i":\([0-9]*\),"off":\([0-9]*\),"len":\([0-9]*\),"raw_off":\([0-9]*\),"raw_len":\([0-9]*\),"sha256":"\([0-9a-f]*\)".*$/\1 \2 \3 \4 \5 \6/' "$1.chunks.jsonl" >"$t/chunks"
  : >"$t/table"
  n=0 end=0 raw_end=0
  while read -r i off len raw_off raw_len sha; do
    [ "$i" -eq $n ] && [ "$off" -eq $end ] && [ "$raw_off" -eq $raw_end ] && [ "$raw_len" -le 4194304 ] || return 1
    [ "$(tail -c "+$((off + 1))" -- "$1" | head -c "$len" | sha256sum | cut -c 1-64)" = "$sha" ] && [ "$(stated "$1" "$off")" = "$raw_len" ] || return 1
    { le32 "$len"; le32 "$raw_len"; } >>"$t/table"
    n=$((n + 1)) end=$((end + len)) raw_end=$((raw_end + raw_len))
  done <"$t/chunks"
  { printf 5e2a4d18; le32 $((n * 8 + 9)); cat "$t/table"; le32 $n; printf 00b1ea928f; } | unhex >"$t/seek"
  tail -c "+$((end + 1))" -- "$1" | cmp -s - "$t/seek" && printf '%s %s\n' "$1" "$raw_end" >>"$t/framed"
}
: >"$t/framed"
: >"$t/broken"
while read -r path; do
  if [ -f "$path" ] && [ -f "$path.chunks.jsonl" ]; then frames "$path" >/dev/null 2>&1 || printf '%s\n' "$path" >>"$t/broken"; fi
done <"$t/manifest-sha256"
none 'frames are as their chunk lists say' "$t/broken"

# 8. The journal: each line names the SHA-256 of the line before it (line feed included).
lines=$(wc -l <journal.jsonl)
if [ "$(tr -d '\n -~' <journal.jsonl | wc -c)" -ne 0 ] || [ "$(tail -c 1 journal.jsonl | wc -l)" -ne 1 ] || [ "$lines" -gt 200000 ]; then
  bad 'the journal is lines of ASCII, 200000 at most'
  verdict TAMPERED
fi
mkdir "$t/lines" "$t/leaves"
split -l 1 -a 6 journal.jsonl "$t/lines/" || exit 2
hashes() { find "$1" -type f | sort | tr '\n' '\0' | xargs -0 sha256sum | cut -c 1-64; }
hashes "$t/lines" >"$t/line-hashes"
{ printf '%064d\n' 0; sed '$d' "$t/line-hashes"; } >"$t/prev-expected"
start='\{"seq":(0|[1-9][0-9]*),"prev":"[0-9a-f]{64}","time":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}Z","mono_ns":-?[0-9]+,"event":'
{ grep -v -E "^$start\"[^\"]*\",\"fields\":\{.*\}\}\$" journal.jsonl; not_json 32 journal.jsonl; } >"$t/d"
none 'every line of the journal is one' "$t/d"
sed -n 's/^{"seq":[0-9]*,"prev":"\([0-9a-f]\{64\}\)".*/\1/p' journal.jsonl >"$t/prev"
sed -n 's/^{"seq":\([0-9]*\),.*/\1/p' journal.jsonl >"$t/seq"
if seq 0 $((lines - 1)) | cmp -s - "$t/seq" && cmp -s "$t/prev-expected" "$t/prev"; then ok "journal chain, $lines lines"; else bad 'journal chain'; fi
head=$(tail -n 1 "$t/line-hashes")
# $1: event, as a regular expression; prints the fields of its lines.
fields() { sed -n -E "s/^$start\"$1\",\"fields\":(\{.*\})\}\$/\2/p" journal.jsonl; }
opened=$(head -n 1 journal.jsonl | sed -n -E "s/^$start\"bundle\.open\",\"fields\":\{\"schema\":\"containerir-bundle\/1\",\"bundle_id\":\"$id\",\"name\":\"$name\",\"case\":\"([^\"]*)\",.*\$/\2/p")
if [ -n "$opened" ]; then ok 'the journal opens this bundle'; else bad 'the journal opens this bundle'; fi
grep -n -E "^$start\"timestamp\"," journal.jsonl | sed -n 's/^\([0-9]*\):.*"line_sha256":"\([0-9a-f]\{64\}\)".*"tsr_b64":"\([^"]*\)"}}$/\1 \2 \3/p' | sed 's/\\u002B/+/g' >"$t/stamps"
: >"$t/d"
while read -r line stamped tsr; do
  printf '%s' "$tsr" | base64 -d >"$t/line.tsr" 2>/dev/null
  head -n "$((line - 1))" "$t/line-hashes" | grep -q -x "$stamped" && token "$t/line.tsr" -digest "$stamped" || printf 'line %s\n' "$line" >>"$t/d"
done <"$t/stamps"
[ "$(grep -c -E "^$start\"timestamp\"," journal.jsonl)" -eq "$(wc -l <"$t/stamps")" ] || printf 'a line without token\n' >>"$t/d"
none 'tokens in the journal are over lines before them' "$t/d"

# 9. Items: what the journal says last of each, against the manifests, the sizes and the frames.
soh=$(printf '\001')
short='s/^(\{"item":\{.*\})(,"chunks_sha256":"[0-9a-f]{64}","chunks_bytes":[0-9]+)?\}$/\1/; s/^\{"item"://'
{ fields 'item\.close'; fields 'item\.recovered'; } >"$t/closed"
# From the end backwards, so that of several lines about one path the last is kept. Field 4 between quotes is the path.
sed -E "$short" "$t/closed" | tac | sort -s -u -t '"' -k 4,4 >"$t/items"
{ fields 'item\.close' | cut -d '"' -f 6 | sort | uniq -d; grep -v -E '^\{"path":"data(/[A-Za-z0-9_][A-Za-z0-9._-]*)+","collector":"' "$t/items"; } >"$t/d"
fields 'item\.open' | cut -d '"' -f 4 | sort -u >"$t/opened"
cut -d '"' -f 4 "$t/items" | sort >"$t/item-paths"
comm -23 "$t/opened" "$t/item-paths" >>"$t/d"
none 'every item was closed, once' "$t/d"
paid='"stored_bytes":([0-9]+),"sha256":"([0-9a-f]{64})","sha512":"([0-9a-f]{128})","raw_bytes":([0-9]+),"raw_sha256":"([0-9a-f]{64})","opened_at":"[^"]*","closed_at":"[^"]*"(,"error":"[^"]*")?\}$'
grep -v -E '"status":"(lost|refused)"' "$t/items" | sed -n -E "s/^\{\"path\":\"([^\"]*)\",.*$paid/\1 \2 \3 \4 \5 \6/p" >"$t/paid"
sed -n -E 's/^\{"item":\{"path":"([^"]*)",.*\},"chunks_sha256":"([0-9a-f]{64})","chunks_bytes":[0-9]+\}$/\1 \2/p' "$t/closed" | tac | sort -s -u -k 1,1 |
  while read -r path sha; do if grep -q "^$path " "$t/paid"; then printf '%s  %s.chunks.jsonl\n' "$sha" "$path"; fi; done >"$t/lists"
{ sed -E 's/^([^ ]*) [0-9]* ([0-9a-f]*) .*/\2  \1/' "$t/paid"; cat "$t/lists"; } | sort >"$t/sums256"
sort manifest-sha256.txt | diff - "$t/sums256" >"$t/d"
sed -E 's/^([^ ]*) [0-9]* [0-9a-f]* ([0-9a-f]*) .*/\2  \1/' "$t/paid" | sort >"$t/sums512"
sed 's/^[0-9a-f]*  //' "$t/lists" | sort >"$t/list-paths"
grep -v '\.chunks\.jsonl$' manifest-sha512.txt | sort | diff - "$t/sums512" >>"$t/d"
none 'the journal closed every file with the digests the manifests have' "$t/d"
: >"$t/d"
while read -r path stored sha _ raw raw_sha; do
  grep -q -x "$path $stored" "$t/sizes" || printf '%s has another size\n' "$path" >>"$t/d"
  if grep -q -x "$path.chunks.jsonl" "$t/list-paths"; then
    grep -q -x "$path" "$t/broken" || grep -q -x "$path $raw" "$t/framed" || printf '%s: its frames hold another number of bytes\n' "$path" >>"$t/d"
  elif [ "$raw" != "$stored" ] || [ "$raw_sha" != "$sha" ]; then
    printf '%s is stored as read, with other numbers\n' "$path" >>"$t/d"
  fi
done <"$t/paid"
none 'sizes are as the journal says' "$t/d"
fields gap | sort >"$t/gaps"
fields effect | sort >"$t/effects"
responder=$(cat "$t/responder")
manifest=$(sha256sum manifest-sha256.txt | cut -c 1-64)
printf '{"items":%s,"gaps":%s,"payload_bytes":%s,"manifest_sha256":"%s","policy":"%s","certificate_sha256":"%s"}\n' \
  "$(($(wc -l <"$t/items")))" "$(($(wc -l <"$t/gaps")))" "$bytes" "$manifest" "$policy" "$responder" >"$t/seal"
tail -n 1 journal.jsonl | sed -n -E "s/^$start\"seal\",\"fields\":(\{.*\})\}\$/\2/p" >"$t/sealed"
same 'the journal ends with the seal of this manifest, policy and certificate' "$t/seal" "$t/sealed"

# 10. The collection record is the journal's. It is written one member a line, two blanks a level; only such a one is taken.
list() { sed -n "/^  \"$1\": \[\$/,/^  \]/p" custody.json | sed '1d; $d' | sed -E 's/^ +//; s/^("[a-z0-9_]+"): /\1:/' | sed "s/^},\{0,1\}\$/}$soh/" | tr -d '\n' | tr '\001' '\n'; }
plain=$(tr -d '\n -~' <custody.json | wc -c)
grep -E '^  "' custody.json | cut -d '"' -f 2 | paste -s -d ' ' - >"$t/keys"
printf 'schema bundle_id bundle_name recovered record items gaps effects journal_lines journal_head certification\n' >"$t/keys-expected"
member() { sed -n -E "s/^  \"$1\": \"?([^\"]*)\"?,\$/\1/p" custody.json; }
case_id=$(sed -n '/^  "record": {$/,/^    },\{0,1\}$/s/^      "case": "\([^"]*\)",\{0,1\}$/\1/p' custody.json)
signer=$(sed -n '/^    "who": {$/,/^    }/s/^      "certificate_sha256": "\([0-9a-f]*\)",\{0,1\}$/\1/p' custody.json)
if [ "$plain" -eq 0 ] && cmp -s "$t/keys" "$t/keys-expected" && [ "$(head -n 1 custody.json)$(tail -n 1 custody.json)" = '{}' ] &&
  [ "$(member schema) $(member bundle_id) $(member bundle_name)" = "containerir-custody/1 $id $name" ] && [ "$case_id" = "$opened" ] && [ "$signer" = "$responder" ]; then
  ok 'the collection record is of this bundle, case and signer'
else
  bad 'the collection record is of this bundle, case and signer'
fi
if [ "$(member journal_lines) $(member journal_head)" = "$lines $head" ] && grep -q "^  \"certification\": \".*$manifest.*$head" custody.json; then
  ok 'the collection record is of this journal'
else
  bad 'the collection record is of this journal'
fi
list items | sort -s -t '"' -k 4,4 >"$t/d"
sort -s -t '"' -k 4,4 "$t/items" >"$t/items-sorted"
same 'the collection record has the items of the journal' "$t/items-sorted" "$t/d"
list gaps | sed -E 's/,"at":"[0-9TZ:.+-]+"\}$/}/' | sort >"$t/d"
same 'the collection record has the gaps of the journal' "$t/gaps" "$t/d"
list effects | sed -E 's/,"at":"[0-9TZ:.+-]+"\}$/}/' | sort >"$t/d"
same 'the collection record has the effects of the journal' "$t/effects" "$t/d"
sed -e '/^  "items": \[$/,/^  \]/d' -e '/^  "gaps": \[$/,/^  \]/d' -e '/^  "effects": \[$/,/^  \]/d' custody.json | sed -E 's/^ +//' | tr -d '\n' >"$t/record"
printf '\n' >>"$t/record"
{ not_json 16 "$t/record"; list items >"$t/l"; list gaps >>"$t/l"; list effects >>"$t/l"; not_json 14 "$t/l"; } >"$t/d"
none 'the collection record is JSON' "$t/d"

# 11. The checkpoint: RFC 6962 tree over the journal's lines, level by level; an odd last hash moves up as it is.
sed "s/^/$soh/" journal.jsonl | tr '\001' '\000' >"$t/prefixed"
split -l 1 -a 6 "$t/prefixed" "$t/leaves/" || exit 2
hashes "$t/leaves" >"$t/level"
n=$lines
while [ "$n" -gt 1 ]; do
  rm -rf -- "$t/nodes"
  mkdir "$t/nodes"
  head -n $((n / 2 * 2)) "$t/level" | paste -d '\0' - - | sed 's/^/01/' | unhex | split -b 65 -a 6 - "$t/nodes/"
  { hashes "$t/nodes"; if [ $((n % 2)) -eq 1 ]; then tail -n 1 "$t/level"; fi; } >"$t/next"
  mv "$t/next" "$t/level"
  n=$(((n + 1) / 2))
done
printf 'containerir/%s\n%s\n%s\n' "$id" "$lines" "$(unhex <"$t/level" | base64)" >"$t/body"
# Key and note are written anew from their raw parts: what differs in any byte is not the one form.
sed -n "1s|^containerir/$id+[0-9a-f]\{8\}+||p" checkpoint.vkey | base64 -d 2>/dev/null | tail -c 32 >"$t/key"
keyhash=$({ printf 'containerir/%s\n\001' "$id"; cat "$t/key"; } | sha256sum | cut -c 1-8)
{ printf 'containerir/%s+%s+' "$id" "$keyhash"; { printf '\001'; cat "$t/key"; } | base64 -w 0; printf '\n'; } >"$t/vkey"
sed -n "5s|^.* containerir/$id ||p" checkpoint.txt | base64 -d 2>/dev/null | tail -c 64 >"$t/sig"
{ cat "$t/body"; printf '\n\342\200\224 containerir/%s ' "$id"; { printf '%s' "$keyhash" | unhex; cat "$t/sig"; } | base64 -w 0; printf '\n'; } >"$t/note"
same 'the checkpoint is of this journal' "$t/note" checkpoint.txt
same 'the key of the checkpoint is of its form' "$t/vkey" checkpoint.vkey
{ printf 302A300506032B6570032100 | unhex; cat "$t/key"; } >"$t/key.der"
if openssl pkeyutl -verify -pubin -keyform DER -inkey "$t/key.der" -rawin -in "$t/body" -sigfile "$t/sig" >/dev/null 2>&1; then
  ok 'the checkpoint is signed'
else
  bad 'the checkpoint is signed'
fi

if [ $failed -ne 0 ]; then verdict TAMPERED; fi
if [ $untrusted -ne 0 ]; then verdict UNTRUSTED; fi
verdict VERIFIED
