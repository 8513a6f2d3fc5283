package orjson

// Fast says that sonic does the work.
const Fast = fast
