# One image for every process of Holdfast: the worker by default, the command line as `holdfast`.
# Debian's glibc, because Temporal's native module is built for it.
FROM node:24-bookworm-slim

# Certificates are for Temporal servers behind TLS.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates tini \
  && rm -rf /var/lib/apt/lists/*

WORKDIR /app
# Without these of malloc's, a worker's memory grows by what malloc keeps for each core, and in holes.
ENV NODE_ENV=production MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=131072

COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

COPY bin bin
COPY src src
RUN ln -s /app/bin/holdfast.mjs /usr/local/bin/holdfast \
  && install --directory --owner=node --group=node /var/lib/holdfast /app/compiled
# Made once rather than at each start: the workflow bundle, and what V8 compiles. Node keeps that for each user apart.
RUN node src/bundle.ts
USER node
ENV NODE_COMPILE_CACHE=/app/compiled
RUN node --eval "import('/app/src/worker.ts')"

# Node itself does not reap orphans, and as the first process it would ignore signals it has no handler for.
ENTRYPOINT ["tini", "--"]
# A young generation of 24 MB rather than 100, for each of its two threads, and a tenth of garbage rather than as much as is in use.
CMD ["node", "--max-semi-space-size=8", "--heap-growing-percent=10", "src/worker.ts"]
