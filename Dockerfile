# syntax=docker/dockerfile:1
# The worker, and the command line `pipeline`.

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/var/cache/npm npm ci --omit=dev --cache /var/cache/npm
COPY activities/ activities/
COPY adapters/ adapters/
COPY bin/ bin/
COPY client/ client/
COPY contracts/ contracts/
COPY lib/ lib/
COPY model/ model/
COPY records/ records/
COPY steps/ steps/
COPY tables/ tables/
COPY worker/ worker/
COPY workflows/ workflows/
# The scanner's compiler is not needed any more.
RUN node bin/build.js \
    && node worker/bundle-workflows.js dist/workflows.js \
    && rm -r node_modules/assemblyscript node_modules/binaryen

FROM node:24.21.0-bookworm-slim AS pipeline
ENV NODE_ENV=production \
    # The worker loads this workflow bundle instead of building one.
    PIPELINE_WORKFLOW_BUNDLE=/app/dist/workflows.js \
    # Beside the staging, in the one place that is written to: what `pipeline query` keeps of the tables.
    XDG_CACHE_HOME=/var/lib/pipeline/cache
RUN mkdir /var/lib/pipeline \
    && chown node:node /var/lib/pipeline \
    && ln --symbolic /app/bin/pipeline.js /usr/local/bin/pipeline
WORKDIR /app
COPY --from=build /app ./
USER node
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --start-interval=2s \
    CMD ["node", "--eval", "fetch('http://127.0.0.1:8235/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "bin/worker.js"]

# The simulated customer, for the demo; Node runs it from its sources.
FROM pipeline AS simulator
COPY simulator/ simulator/
CMD ["node", "simulator/main.ts"]
