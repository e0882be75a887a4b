#!/bin/sh
# Makes the namespace of the pipeline, and in it the search attributes of model/search-attributes.ts. Those that
# are there already stay.
set -eu

namespace=default
tries=30

register() {
  temporal operator namespace describe --namespace "$namespace" >/dev/null 2>&1 ||
    temporal operator namespace create --namespace "$namespace" --retention 30d
  temporal operator search-attribute create --namespace "$namespace" \
    --name PipelineSource --type Keyword \
    --name PipelineStep --type Keyword \
    --name PipelineRecordsIn --type Int \
    --name PipelineRecordsLanded --type Int \
    --name PipelineRecordsQuarantined --type Int
}

# Temporal may not be ready yet, and takes some seconds until it knows a new namespace everywhere.
until register; do
  tries=$((tries - 1))
  if [ "$tries" -eq 0 ]; then exit 1; fi
  sleep 2
done
