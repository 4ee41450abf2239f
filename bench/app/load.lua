-- The requests of a run. The environment holds the kind of tokens, the number of headers and the unique id of the run.
local tokens = os.getenv('BENCH_TOKENS')
local count = tonumber(os.getenv('BENCH_HEADERS'))
local run = os.getenv('BENCH_RUN')
local padding = string.rep('0', 44)

local function good(index)
  return string.format('sk-good-%s%08d', padding, index)
end

local function headers(token)
  local made = {
    ['User-Agent'] = 'bench/1.0',
    ['Accept'] = 'application/json',
    ['Accept-Encoding'] = 'gzip, br',
    ['Accept-Language'] = 'en',
  }
  if token ~= nil then made['Authorization'] = 'Bearer ' .. token end
  -- With Host, the headers above are six.
  for index = 7, count do made['X-Header-' .. index] = 'value-of-header-' .. index end
  return made
end

local function write(token)
  return wrk.format('GET', '/v1/models', headers(token))
end

local FIXED = {
  hot = good(0),
  malformed = '"a b"',
  denied = string.format('sk-wrong%s%08d', padding, 0),
}
local written = {}
local turn = 0

-- This step visits all tokens, with neighbours far apart.
local function many()
  turn = (turn + 3779) % 10000
  return written[turn]
end

local function new()
  turn = turn + 1
  local kind = tokens == 'garbage' and 'evil' or 'good'
  local token = string.format('sk-%s-%s%s%09d', kind, string.rep('0', 31), run, turn)
  return written.before .. token .. written.after
end

local DYNAMIC = { many = many, new = new, garbage = new }
-- Without `request`, wrk writes the request once.
request = DYNAMIC[tokens]

local function writeMany()
  for index = 0, 9999 do written[index] = write(good(index)) end
end

local function writeAroundTokens()
  local mark = '@@'
  local text = write(mark)
  local at = string.find(text, mark, 1, true)
  written.before, written.after = string.sub(text, 1, at - 1), string.sub(text, at + #mark)
end

local function writeOnce()
  for name, value in pairs(headers(FIXED[tokens])) do wrk.headers[name] = value end
  wrk.path = '/v1/models'
end

function init()
  if tokens == 'many' then return writeMany() end
  if request ~= nil then return writeAroundTokens() end
  writeOnce()
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nBENCH {"requests":%d,"microseconds":%d,"refused":%d,"broken":%d,"p50":%d,"p99":%d,"max":%d}\n',
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
