-- Asks with-auth about a request: "http-request lua.with-auth URL". Passes it on after a 200, and otherwise answers.

local UNREACHABLE =
  '{"error":{"message":"Authentication service unavailable","type":"api_error","code":"unreachable"}}'
local PASSED_BACK = { "content-type", "cache-control", "www-authenticate", "retry-after", "allow" }
local IDENTITY = { "x-auth-principal", "x-auth-attributes", "x-auth-tenant", "x-auth-scopes", "x-auth-client" }

-- About the connection of the client, or set below.
local KEPT_BACK = {}
for name in ([[connection keep-alive proxy-connection proxy-authorization te trailer transfer-encoding upgrade expect
  http2-settings content-length host]]):gmatch("%S+") do
  KEPT_BACK[name] = true
end

local function subrequest(txn)
  local headers = {}
  for name, values in pairs(txn.http:req_get_headers()) do
    if not KEPT_BACK[name] and name:sub(1, 12) ~= "x-forwarded-" then
      headers[name] = {}
      for index, value in pairs(values) do headers[name][index + 1] = value end
    end
  end
  headers["x-forwarded-uri"] = { txn.sf:pathq() }
  headers["x-forwarded-method"] = { txn.sf:method() }
  headers["x-forwarded-host"] = { txn.sf:req_hdr("host") }
  headers["x-forwarded-proto"] = { txn.sf:ssl_fc() == 1 and "https" or "http" }
  headers["x-forwarded-for"] = { txn.sf:src() }
  return headers
end

local function answer(txn, status, headers, body)
  local reply = txn:reply({ status = status, body = body })
  for name, value in pairs(headers) do reply:add_header(name, value) end
  txn:done(reply)
end

core.register_action("with-auth", { "http-req" }, function(txn, url)
  -- Longer than timeoutMs of with-auth, so that the answer to an outage of the auth endpoint still arrives.
  local response = core.httpclient():get({ url = url, headers = subrequest(txn), timeout = 6000 })
  local function field(name)
    local values = response.headers and response.headers[name]
    return values and values[0]
  end

  -- The identity tells our 200 from any other, and our error from one of HAProxy.
  if response.status == 200 and field(IDENTITY[1]) and field(IDENTITY[2]) then
    for _, name in ipairs(IDENTITY) do
      local value = field(name)
      if value and value ~= "" then txn.http:req_set_header(name, value) end
    end
    txn:set_var("txn.with_auth", "allowed")
    return
  end
  if response.status == 200 or not field("x-auth-error") then
    local headers = { ["content-type"] = "application/json", ["cache-control"] = "no-store" }
    return answer(txn, 503, headers, UNREACHABLE)
  end
  local headers = {}
  for _, name in ipairs(PASSED_BACK) do headers[name] = field(name) end
  answer(txn, response.status, headers, response.body)
end, 1)
