#!/bin/sh
# Verifies an evidence bundle (containerir-bundle/1) with POSIX sh, coreutils, find, grep, sed and openssl alone.
#
#   sh verify.sh [--ca FILE] [--tsa-ca FILE] [BUNDLE]
#
# Take this script from the project's release, not from a bundle you do not trust yet.
# It reads, and writes only to a temporary directory. One line for each check, then the verdict.
# Exit 0: verified. Exit 1: anything else.
set -u
LC_ALL=C
export LC_ALL
umask 077
unset CDPATH GREP_OPTIONS OPENSSL_CONF

usage() { printf 'usage: sh verify.sh [--ca FILE] [--tsa-ca FILE] [BUNDLE]\n' >&2; exit 1; }
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
for tool in openssl sha256sum sha512sum basenc split paste; do
  command -v "$tool" >/dev/null || { printf 'verify.sh needs %s\n' "$tool" >&2; exit 1; }
done
for file in "$ca" "$tsa_ca"; do
  [ -z "$file" ] || [ -f "$file" ] || { printf 'no such file: %s\n' "$file" >&2; exit 1; }
done
cd -- "$bundle" || exit 1
t=$(mktemp -d) || exit 1
trap 'rm -rf -- "$t"' EXIT
trap 'exit 1' HUP INT TERM

failed=0 untrusted=0
: >"$t/responder"
ok() { printf 'ok      %s\n' "$1"; }
bad() { printf 'FAILED  %s\n' "$1"; failed=1; }
# Prints up to 20 lines of a file; whatever could act on a terminal is shown as ?.
show() { head -n 20 -- "$1" | cut -c 1-200 | tr -c ' -~\n' '?' | sed 's/^/        /'; }
# $1: signature, $2: what it signs. The certificate's SHA-256 is in $t/fingerprint afterwards.
signed() {
  : >"$t/fingerprint"
  openssl cms -verify -cades -binary -inform DER -in "$1" -content "$2" -CAfile seal/certs.pem -partial_chain -no_check_time -purpose any -signer "$t/signer.pem" -out /dev/null 2>"$t/err" || return 1
  openssl x509 -in "$t/signer.pem" -outform DER | sha256sum | sed 's/ .*//' >"$t/fingerprint"
}
# $1: token, $2: SHA-256 it stamps, $3: its name. Good by the certificates in it; whether these lead to --tsa-ca is the second question.
stamped() {
  if openssl ts -reply -in "$1" -token_out -out "$t/token" 2>"$t/err" && openssl pkcs7 -inform DER -in "$t/token" -print_certs -out "$t/token.pem" 2>"$t/err" &&
    openssl ts -verify -digest "$2" -in "$1" -CAfile "$t/token.pem" -partial_chain -no_check_time >"$t/err" 2>&1; then
    ok "$3 is a time-stamp token"
  else
    bad "$3 is a time-stamp token"
    show "$t/err"
    return
  fi
  if [ -z "$tsa_ca" ]; then
    printf 'note    no --tsa-ca was given: who stamped is not proven\n'
  elif openssl ts -verify -digest "$2" -in "$1" -CAfile "$tsa_ca" >"$t/err" 2>&1; then
    ok "$3: the time-stamp authority leads to the one given"
  else
    printf 'FAILED  %s: the time-stamp authority does not lead to the one given\n' "$3"
    show "$t/err"
    untrusted=1
  fi
}
# $1: what holds when the file $2 is empty.
none() { if [ -s "$2" ]; then bad "$1"; show "$2"; else ok "$1"; fi; }
verdict() { printf 'VERDICT: %s\n' "$1"; [ "$1" = VERIFIED ]; exit $?; }

# 1. Structure. Nothing below goes on with a name that is not plain, or with anything but files and directories.
find . ! -type d ! -type f >"$t/special"
find . ! -name . \( -name '*[!A-Za-z0-9._-]*' -o -name '.*' -o -name '-*' \) >"$t/names"
find . -type f \( -name '*.partial' -o -name '*.tmp' \) >"$t/partial"
find . -type f ! -path './data/*' ! -path './seal/*' | sed 's|^\./||' | sort >"$t/outside"
none 'no links and no special files' "$t/special"
none 'plain names only' "$t/names"
if [ $failed -ne 0 ]; then verdict TAMPERED; fi
if [ ! -f tagmanifest-sha256.txt ]; then
  printf 'note    tagmanifest-sha256.txt is missing: the bundle was never sealed, or its root was taken away\n'
  verdict UNSEALED
fi
none 'no half-written files' "$t/partial"
tags='README.txt bag-info.txt bagit.txt checkpoint.txt checkpoint.vkey custody.json journal.jsonl manifest-sha256.txt manifest-sha512.txt verify.sh'
printf '%s\n' $tags >"$t/tags"
{ cat "$t/tags"; printf 'tagmanifest-sha256.txt\n'; } | sort | diff - "$t/outside" >"$t/d"
none 'exactly the files of the format outside data/ and seal/' "$t/d"
find seal -type f 2>/dev/null | grep -v -E '^seal/([0-9]{4}-(responder|witness)\.(p7s|p7s\.tsr|mldsa65\.p7s)|(certs|tsa-certs)\.pem|custody-[0-9]{4}\.json(\.(giver|receiver)\.p7s(\.tsr)?)?)$' >"$t/d"
none 'no unknown file in seal/' "$t/d"
for file in $tags; do
  if [ ! -f "$file" ]; then bad "$file is there"; verdict TAMPERED; fi
done

# 2. The manifests are manifests, and name nothing outside the bundle. Only then are they given to sha256sum.
segment='[A-Za-z0-9_][A-Za-z0-9._-]*'
grep -v -E "^[0-9a-f]{64}  $segment\$" tagmanifest-sha256.txt >"$t/m0"
grep -v -E "^[0-9a-f]{64}  data(/$segment)+\$" manifest-sha256.txt >"$t/m1"
grep -v -E "^[0-9a-f]{128}  data(/$segment)+\$" manifest-sha512.txt >"$t/m2"
cat "$t/m0" "$t/m1" "$t/m2" >"$t/d"
none 'manifests are well formed' "$t/d"
if [ -s "$t/d" ]; then verdict TAMPERED; fi
for m in tagmanifest-sha256 manifest-sha256 manifest-sha512; do
  sed 's/^[0-9a-f]*  //' "$m.txt" | sort >"$t/$m"
done
{ uniq -d "$t/tagmanifest-sha256"; uniq -d "$t/manifest-sha256"; uniq -d "$t/manifest-sha512"; } >"$t/d"
none 'no path is named twice' "$t/d"

# 3. The signature over the root, before anything the root says is believed.
policy=$(sed -n 's/^ContainerIR-Seal-Policy: //p' bag-info.txt)
case $policy in
  sig=p256\;tsa=required\;pq=none | sig=p256\;tsa=optional\;pq=none | sig=p256\;tsa=none\;pq=none | \
  sig=p256\;tsa=required\;pq=mldsa65 | sig=p256\;tsa=optional\;pq=mldsa65 | sig=p256\;tsa=none\;pq=mldsa65) ok "seal policy $policy" ;;
  *) bad 'seal policy is known' ;;
esac
if [ ! -f seal/0001-responder.p7s ]; then bad 'seal/0001-responder.p7s is there'; fi
n=0
: >"$t/holders"
for p7s in seal/[0-9][0-9][0-9][0-9]-*.p7s; do
  case $p7s in *-responder.p7s | *-witness.p7s) ;; *) continue ;; esac
  n=$((n + 1))
  case $p7s in
    seal/$(printf %04d "$n")-*) ;;
    *) bad "$p7s: signatures are numbered without gap, the responder's first" ;;
  esac
  if signed "$p7s" tagmanifest-sha256.txt; then
    ok "$p7s signs this root"
    { openssl x509 -in "$t/signer.pem" -noout -subject; sed 's/^/certificate SHA-256 /' "$t/fingerprint"; } >"$t/who" 2>&1
    show "$t/who"
    cat "$t/fingerprint" >>"$t/holders"
    [ "$p7s" != seal/0001-responder.p7s ] || cp "$t/fingerprint" "$t/responder"
    if [ -z "$ca" ]; then
      printf 'note    no --ca was given: the bytes are proven, who signed them is not. Compare the certificate with the signer by another way.\n'
    elif openssl cms -verify -cades -binary -inform DER -in "$p7s" -content tagmanifest-sha256.txt -CAfile "$ca" -out /dev/null 2>"$t/err"; then
      ok "$p7s: the certificate leads to the authority given"
    else
      printf 'FAILED  %s: the certificate does not lead to the authority given\n' "$p7s"
      show "$t/err"
      untrusted=1
    fi
  else
    bad "$p7s signs this root"
    show "$t/err"
  fi
done
case $policy in
  *tsa=required*) if [ -f seal/0001-responder.p7s.tsr ]; then ok 'the time-stamp token the policy demands is there'; else bad 'the time-stamp token the policy demands is there'; fi ;;
esac
for tsr in seal/*.p7s.tsr; do
  [ -f "$tsr" ] || continue
  if [ -f "${tsr%.tsr}" ]; then stamped "$tsr" "$(sha256sum "${tsr%.tsr}" | cut -c 1-64)" "$tsr"; else bad "$tsr stamps a file that is there"; fi
done
case $policy in
  *pq=mldsa65*) if [ -f seal/0001-responder.mldsa65.p7s ]; then printf 'note    the ML-DSA-65 signature needs openssl 3.5 or newer\n'; else bad 'the post-quantum signature the policy demands is there'; fi ;;
esac

# 4. Root, manifests, files.
diff "$t/tags" "$t/tagmanifest-sha256" >"$t/d"
none 'the root lists exactly the files of the format' "$t/d"
if sha256sum --check --strict --quiet tagmanifest-sha256.txt >"$t/d" 2>&1; then ok 'files under the root'; else bad 'files under the root'; show "$t/d"; fi
find data -type f 2>/dev/null | sort >"$t/files"
diff "$t/files" "$t/manifest-sha256" >"$t/d"
diff "$t/files" "$t/manifest-sha512" >>"$t/d"
none 'the manifests list every file in data/ and no other' "$t/d"
if [ ! -s manifest-sha256.txt ] || sha256sum --check --strict --quiet manifest-sha256.txt >"$t/d" 2>&1; then ok 'SHA-256 of every file in data/'; else bad 'SHA-256 of every file in data/'; show "$t/d"; fi
if [ ! -s manifest-sha512.txt ] || sha512sum --check --strict --quiet manifest-sha512.txt >"$t/d" 2>&1; then ok 'SHA-512 of every file in data/'; else bad 'SHA-512 of every file in data/'; show "$t/d"; fi

# 5. The journal: each line names the SHA-256 of the line before it (line feed included).
lines=$(wc -l <journal.jsonl)
if [ "$(tr -d '\n -~' <journal.jsonl | wc -c)" -ne 0 ] || [ "$(tail -c 1 journal.jsonl | wc -l)" -ne 1 ] || [ "$lines" -gt 200000 ]; then
  bad 'the journal is lines of ASCII, 200000 at most'
  verdict TAMPERED
fi
mkdir "$t/lines" "$t/leaves"
split -l 1 -a 6 journal.jsonl "$t/lines/" || exit 1
hashes() { find "$1" -type f | sort | tr '\n' '\0' | xargs -0 sha256sum | cut -c 1-64; }
hashes "$t/lines" >"$t/line-hashes"
{ printf '%064d\n' 0; sed '$d' "$t/line-hashes"; } >"$t/prev-expected"
sed -n 's/^{"seq":[0-9]*,"prev":"\([0-9a-f]\{64\}\)","time":"[0-9TZ:.-]*","mono_ns":[0-9]*,"event":".*}$/\1/p' journal.jsonl >"$t/prev"
sed -n 's/^{"seq":\([0-9]*\),.*/\1/p' journal.jsonl >"$t/seq"
if seq 0 $((lines - 1)) | cmp -s - "$t/seq" && cmp -s "$t/prev-expected" "$t/prev"; then ok "journal chain, $lines lines"; else bad 'journal chain'; fi
sed -n 's/^.*,"event":"item\.close","fields":{"item":{"path":"\([A-Za-z0-9._/-]*\)",.*"stored_bytes":[0-9]*,"sha256":"\([0-9a-f]\{64\}\)","sha512":"[0-9a-f]\{128\}",.*$/\2  \1/p' journal.jsonl | sort >"$t/closed"
grep -v '\.chunks\.jsonl$' manifest-sha256.txt | sort | comm -3 - "$t/closed" >"$t/d"
grep -E '"event":"item\.recovered"|"event":"item\.close".*"status":"(lost|refused)"' journal.jsonl >"$t/unpaid"
if [ -s "$t/unpaid" ]; then printf 'note    recovered items: the journal is not compared with the manifest\n'; else none 'the journal closed every item with the digest the manifest has' "$t/d"; fi
if [ -s "$t/responder" ] && ! tail -n 1 journal.jsonl | grep -q "\"certificate_sha256\":\"$(cat "$t/responder")\"}}\$"; then
  bad 'the journal ends with the seal by this certificate'
fi
manifest=$(sha256sum manifest-sha256.txt | cut -c 1-64)
if tail -n 1 journal.jsonl | grep -q "\"event\":\"seal\",\"fields\":{.*\"manifest_sha256\":\"$manifest\",\"policy\":\"$policy\""; then ok 'the journal ends with the seal of this manifest and policy'; else bad 'the journal ends with the seal of this manifest and policy'; fi

# Tokens over earlier lines, taken while the journal grew.
sed -n 's|^{"seq":\([0-9]*\),.*,"event":"timestamp","fields":{"line_sha256":"\([0-9a-f]\{64\}\)",.*,"tsr_b64":"\([A-Za-z0-9+/=]*\)"}}$|\1 \2 \3|p' journal.jsonl >"$t/stamps"
if [ "$(grep -c '^{"seq":[0-9]*,"prev":"[0-9a-f]*","time":"[^"]*","mono_ns":[0-9]*,"event":"timestamp",' journal.jsonl)" -ne "$(wc -l <"$t/stamps")" ]; then bad 'tokens in the journal are readable'; fi
while read -r seq line token; do
  printf %s "$token" | base64 -d >"$t/tsr" 2>/dev/null
  if head -n "$seq" "$t/line-hashes" | grep -q -x "$line"; then stamped "$t/tsr" "$line" "journal line $seq"; else bad "journal line $seq stamps an earlier line"; fi
done <"$t/stamps"

# 6. The checkpoint: RFC 6962 tree over the journal's lines, level by level; an odd last hash moves up as it is.
soh=$(printf '\001')
sed "s/^/$soh/" journal.jsonl | tr '\001' '\000' >"$t/prefixed"
split -l 1 -a 6 "$t/prefixed" "$t/leaves/" || exit 1
hashes "$t/leaves" >"$t/level"
n=$lines
while [ "$n" -gt 1 ]; do
  rm -rf -- "$t/nodes"
  mkdir "$t/nodes"
  head -n $((n / 2 * 2)) "$t/level" | paste -d '\0' - - | sed 's/^/01/' | tr -d '\n' | tr a-f A-F | basenc --base16 -d | split -b 65 -a 6 - "$t/nodes/"
  { hashes "$t/nodes"; if [ $((n % 2)) -eq 1 ]; then tail -n 1 "$t/level"; fi; } >"$t/next"
  mv "$t/next" "$t/level"
  n=$(((n + 1) / 2))
done
root=$(tr a-f A-F <"$t/level" | tr -d '\n' | basenc --base16 -d | base64)
id=$(sed -n 's/^ContainerIR-Bundle-Id: \([0-9a-f-]\{36\}\)$/\1/p' bag-info.txt)
printf 'containerir/%s\n%s\n%s\n' "$id" "$lines" "$root" >"$t/body"
if head -n 1 journal.jsonl | grep -q "\"event\":\"bundle.open\",.*\"bundle_id\":\"$id\"" && head -n 3 checkpoint.txt | cmp -s - "$t/body"; then
  ok 'the checkpoint is of this journal'
else
  bad 'the checkpoint is of this journal'
fi
sed "s|^containerir/$id+[0-9a-f]*+||" checkpoint.vkey | base64 -d 2>/dev/null | tail -c 32 >"$t/key"
sed -n "5s|^.* containerir/$id ||p" checkpoint.txt | base64 -d 2>/dev/null | tail -c 64 >"$t/sig"
{ printf 302A300506032B6570032100 | basenc --base16 -d; cat "$t/key"; } >"$t/key.der"
if openssl pkeyutl -verify -pubin -keyform DER -inkey "$t/key.der" -rawin -in "$t/body" -sigfile "$t/sig" >/dev/null 2>&1; then
  ok 'the checkpoint is signed'
else
  bad 'the checkpoint is signed'
fi

# 7. Transfers of custody: a chain of records, each signed by who held the bundle. A record is JSON with one member a line.
text() { sed -n "s/^  \"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\$/\1/p" "$2"; }
party() { sed -n "/^  \"$1\": {\$/,/^  },\$/s/^    \"certificate_sha256\": \"\([^\"]*\)\"\$/\1/p" "$2"; }
printf '%064d' 0 >"$t/prev-record"
n=0
rootsum=$(sha256sum tagmanifest-sha256.txt | cut -c 1-64)
find seal -type f -name 'custody-*' | sed 's|^seal/custody-\([0-9]*\)\.json.*$|\1|' | sort -u >"$t/transfers"
while read -r number; do
  n=$((n + 1))
  record=seal/custody-$number.json
  if [ "$number" != "$(printf %04d "$n")" ] || [ ! -f "$record" ]; then
    bad "transfer $(printf %04d "$n") is there: the chain has no gap"
    break
  fi
  if [ "$(text schema "$record")" = containerir-transfer/1 ] && [ "$(text number "$record")" = "$n" ] && [ "$(text bundle_id "$record")" = "$id" ] &&
    [ "$(text tagmanifest_sha256 "$record")" = "$rootsum" ] && [ "$(text sealed_ok "$record")" = true ]; then
    ok "$record is of this bundle"
  else
    bad "$record is of this bundle"
  fi
  if [ "$(text prev_sha256 "$record")" = "$(cat "$t/prev-record")" ]; then ok "$record is linked to the record before it"; else bad "$record is linked to the record before it"; fi
  sed -n '/^  "seal_files": \[$/,/^  \],$/s|^    "\([0-9a-f]\{64\}  seal/[A-Za-z0-9_][A-Za-z0-9._-]*\)",\{0,1\}$|\1|p' "$record" >"$t/listed"
  { printf 'seal/0001-responder.p7s\n'; if [ $n -gt 1 ]; then printf '%s\n%s.giver.p7s\n' "$last" "$last"; fi; } | sort >"$t/needed"
  sed 's/^[0-9a-f]*  //' "$t/listed" | sort | comm -23 "$t/needed" - >"$t/d"
  if [ ! -s "$t/d" ] && [ "$(sed -n '/^  "seal_files": \[$/,/^  \],$/p' "$record" | grep -c '^    "')" -eq "$(wc -l <"$t/listed")" ] && sha256sum --check --strict --quiet "$t/listed" >"$t/d" 2>&1; then
    ok "$record: seal/ has the files it had then"
  else
    bad "$record: seal/ has the files it had then"
    show "$t/d"
  fi
  if signed "$record.giver.p7s" "$record" && [ "$(party from "$record")" = "$(cat "$t/fingerprint")" ]; then ok "$record is signed by the giver it names"; else bad "$record is signed by the giver it names"; show "$t/err"; fi
  if [ -s "$t/fingerprint" ] && grep -q -x -f "$t/fingerprint" "$t/holders"; then ok "$record: the giver held the bundle"; else bad "$record: the giver held the bundle"; fi
  cp "$t/fingerprint" "$t/holders"
  if [ -f "$record.receiver.p7s" ]; then
    to=$(party to "$record")
    if signed "$record.receiver.p7s" "$record" && [ "${to:-$(cat "$t/fingerprint")}" = "$(cat "$t/fingerprint")" ]; then
      ok "$record is countersigned by the receiver, certificate SHA-256 $(cat "$t/fingerprint")"
    else
      bad "$record is countersigned by the receiver"
      show "$t/err"
    fi
    cp "$t/fingerprint" "$t/holders"
  else
    printf 'note    %s is not countersigned: it was given and not received\n' "$record"
  fi
  sha256sum "$record" | cut -c 1-64 | tr -d '\n' >"$t/prev-record"
  last=$record
done <"$t/transfers"

if [ $failed -ne 0 ]; then verdict TAMPERED; fi
if [ $untrusted -ne 0 ]; then verdict UNTRUSTED; fi
verdict VERIFIED
