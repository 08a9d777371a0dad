-- Views of 2,000 pages (or PAGES) by 20,000 people, as a browser would send them.
local number = tonumber(os.getenv("SEED")) or 1
local pages = tonumber(os.getenv("PAGES")) or 2000
local agent = "Mozilla/5.0 (X11; Linux x86_64; rv:137.0) Gecko/20100101 Firefox/137.0"
local function next_number(most)
  number = (number * 1103515245 + 12345) % 2147483648
  return math.floor(number / 65536) % most
end
request = function()
  local page, who = next_number(pages), next_number(20000)
  local query = "site=bench&p=%2Fpages%2F" .. page .. "%3Fx%3D1&r=https%3A%2F%2Fwww.google.com%2F&t=Page+" .. page
  local address = "81." .. math.floor(who / 250) .. ".7." .. (who % 250)
  return wrk.format("GET", "/pixel.gif?" .. query, { ["User-Agent"] = agent, ["X-Forwarded-For"] = address })
end
