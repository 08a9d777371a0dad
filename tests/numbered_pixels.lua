-- Requests of wrk for pixels of the pages /n/1, /n/2, …, each from another address; with one thread
-- no number comes twice. At the end, the last line says how many were answered.
local number = 0
local agent = "Mozilla/5.0 (X11; Linux x86_64; rv:137.0) Gecko/20100101 Firefox/137.0"

function request()
   number = number + 1
   local address = "81." .. math.floor(number / 250) % 250 .. ".7." .. number % 250
   local headers = { ["User-Agent"] = agent, ["X-Forwarded-For"] = address }
   return wrk.format("GET", "/pixel.gif?site=one&p=/n/" .. number, headers)
end

function done(summary)
   print(summary.requests)
end
