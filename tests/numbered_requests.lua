-- Requests of wrk: GET /n/1, /n/2, …; with one thread no number comes twice.
local number = 0

function request()
   number = number + 1
   return wrk.format("GET", "/n/" .. number)
end

-- Milliseconds that a connection waits before its next request.
function delay()
   return 2
end
