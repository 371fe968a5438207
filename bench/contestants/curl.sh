#!/usr/bin/env bash
# A loop with curl, and openssl for the signature: one call after the other, nothing read back.
set -euo pipefail
trap 'times >&3' EXIT

host=${ENDPOINT#*://}
jobs="/v1.0/$PROJECT_ID/jobs"
empty=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
end=$((($(date +%s) - 7200) * 1000))

# call METHOD PATH [QUERY], the query's parameters in the order in which they are signed.
call() {
  local date hash signature
  date=$(date -u +%Y%m%dT%H%M%SZ)
  hash=$(printf '%s\n%s/\n%s\nhost:%s\nx-sdk-date:%s\n\nhost;x-sdk-date\n%s' "$1" "$2" "${3:-}" "$host" "$date" "$empty" |
    openssl dgst -sha256 -r)
  signature=$(printf 'SDK-HMAC-SHA256\n%s\n%s' "$date" "${hash%% *}" |
    openssl dgst -sha256 -hmac "$HUAWEICLOUD_SDK_SK" -r)
  curl --silent --show-error --fail -X "$1" -H "x-sdk-date: $date" \
    -H "authorization: SDK-HMAC-SHA256 Access=$HUAWEICLOUD_SDK_AK, SignedHeaders=host;x-sdk-date, Signature=${signature%% *}" \
    "$ENDPOINT$2${3:+?$3}"
}

ids=()
for ((page = 1; ; page++)); do
  mapfile -t found < <(call GET "$jobs" "current-page=$page&end=$end&job-status=RUNNING&page-size=100" |
    grep -o '"job_id":"[^"]*"' | cut -d '"' -f 4)
  ids+=("${found[@]}")
  [ "${#found[@]}" -eq 100 ] || break
done
for id in "${ids[@]}"; do
  call DELETE "$jobs/$id" >/dev/null
done
