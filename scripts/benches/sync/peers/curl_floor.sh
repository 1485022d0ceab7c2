# The floor: ready CSV files, sent by curl as Bulk API 2.0 takes them; nothing is read before, nothing remembered after.
# Usage: curl_floor.sh INSTANCE_URL TOKEN OBJECT EXTERNAL_ID FILE …
set -euo pipefail
V="$1/services/data/v60.0/jobs/ingest" A="Authorization: Bearer $2"
ORDER="{\"object\":\"$3\",\"operation\":\"upsert\",\"externalIdFieldName\":\"$4\"}"
shift 4
jobs=()
for file in "$@"; do
  job=$(curl -fsS -H "$A" -H 'Content-Type: application/json' -d "$ORDER" "$V" | sed 's/.*"id": *"\([^"]*\)".*/\1/')
  curl -fsS -H "$A" -H 'Content-Type: text/csv' -T "$file" "$V/$job/batches"
  curl -fsS -X PATCH -H "$A" -H 'Content-Type: application/json' -d '{"state":"UploadComplete"}' "$V/$job" >/dev/null
  jobs+=("$job")
done
for job in "${jobs[@]}"; do
  while true; do
    state=$(curl -fsS -H "$A" "$V/$job")
    case "$state" in *JobComplete*) break ;; *'"Failed"'* | *Aborted*) echo "$state" >&2; exit 1 ;; esac
    sleep 0.1
  done
done
