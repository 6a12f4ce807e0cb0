-- Wireshark and tshark: MTA-TLS (draft-badra-tls-multiplexing-01) inside decrypted TLS sessions.
--
-- Install: copy this file to the personal plugin folder (Help > About Wireshark > Folders), or
--   tshark -X lua_script:mtatls.lua -o tls.keylog_file:keys.log -r capture.pcapng
-- TLS has to be decrypted first: MtaTls:KeyLogFile writes the keys (docs/debugging.md).
--
-- A session is recognised by the server's answer to the extension data_multiplexing. Everything else that ALPN calls
-- http/1.1 or h2 goes to Wireshark's own dissectors, as without this file.

local mtatls = Proto("mtatls", "MTA-TLS")

local names = {
    [1] = "ChannelEstablishmentRequest", [2] = "ChannelEstablishmentSuccess", [3] = "ChannelRequestEchec",
    [4] = "ChannelCloseRequest", [5] = "ChannelCloseConfirmation", [6] = "MTATLSPlaintext",
    [7] = "NewMaxPacketLength", [8] = "Acknowledgment",
}
local PLAINTEXT = 6

local f = {
    type = ProtoField.uint8("mtatls.type", "Type", base.DEC, names),
    length = ProtoField.uint32("mtatls.length", "Length", base.DEC),
    channel = ProtoField.uint32("mtatls.channel_id", "Channel id", base.HEX),
    sender = ProtoField.uint16("mtatls.sender_channel_id", "Sender channel id", base.HEX),
    receiver = ProtoField.uint16("mtatls.receiver_channel_id", "Receiver channel id", base.HEX),
    window = ProtoField.uint32("mtatls.window_length", "Window length", base.DEC),
    max = ProtoField.uint32("mtatls.max_packet_length", "Max packet length", base.DEC),
    source = ProtoField.string("mtatls.source_address_machine", "Source address"),
    source_port = ProtoField.uint16("mtatls.source_port", "Source port", base.DEC),
    destination = ProtoField.string("mtatls.destination_address_machine", "Destination address"),
    destination_port = ProtoField.uint16("mtatls.destination_port", "Destination port", base.DEC),
    error = ProtoField.string("mtatls.error", "Error"),
    data = ProtoField.bytes("mtatls.data", "Data"),
    free = ProtoField.uint32("mtatls.free_space", "Free space (increment)", base.DEC),
    left = ProtoField.int64("mtatls.window_left", "Window left to the sender", base.DEC),
    opened = ProtoField.framenum("mtatls.opened_in", "Channel requested in", base.NONE, frametype.NONE),
    route = ProtoField.string("mtatls.route", "Channel"),
}
mtatls.fields = {}
for _, field in pairs(f) do table.insert(mtatls.fields, field) end

local malformed = ProtoExpert.new("mtatls.malformed", "Malformed packet", expert.group.MALFORMED, expert.severity.ERROR)
local unknown_type = ProtoExpert.new("mtatls.unknown_type", "Unknown packet type", expert.group.MALFORMED, expert.severity.ERROR)
local overrun = ProtoExpert.new("mtatls.window_overrun", "More data than the window allows", expert.group.PROTOCOL, expert.severity.WARN)
local too_long = ProtoExpert.new("mtatls.packet_too_long", "Longer than the receiver's max_packet_length", expert.group.PROTOCOL, expert.severity.WARN)
local refused = ProtoExpert.new("mtatls.refused", "Channel refused", expert.group.RESPONSE_CODE, expert.severity.NOTE)
mtatls.experts = { malformed, unknown_type, overrun, too_long, refused }

mtatls.prefs.extension = Pref.uint("Extension type", 0xFF6D, "The code point of data_multiplexing (MtaTls:ExtensionType).")
mtatls.prefs.content = Pref.bool("Dissect the content of channels", true, "Hand the data of each channel to HTTP, or to the dissector of its destination's port.")
mtatls.prefs.longest = Pref.uint("Longest message", 1048576, "Octets of one message of a channel that are put together for its dissector.")

local stream_of = Field.new("tcp.stream")
local handshake_types = Field.new("tls.handshake.type")
local extension_types = Field.new("tls.handshake.extension.type")

-- What is known of each TCP stream, and of each packet by its frame and place in it: a frame is dissected many times,
-- but what it did to a channel is worked out the first time only.
local sessions, packets = {}, {}
local place = 0

function mtatls.init()
    sessions, packets, place = {}, {}, 0
end

local function session_of(number)
    local session = sessions[number]
    if not session then
        session = { channels = {}, pending = {}, established = false }
        sessions[number] = session
    end
    return session
end

-- The server's hello or its encrypted extensions answered the extension: the session is ours.
local function learn()
    local stream = stream_of()
    if not stream then return end
    local from_server = false
    for _, info in ipairs({ handshake_types() }) do
        if info.value == 1 then return end
        from_server = from_server or info.value == 2 or info.value == 8
    end
    if not from_server then return end
    for _, info in ipairs({ extension_types() }) do
        if info.value == mtatls.prefs.extension then session_of(stream.value).established = true end
    end
end

local function end_of(pinfo) return tostring(pinfo.src) .. ":" .. pinfo.src_port end

-- Which dissector reads a channel is decided by its first octets, else by its destination's port.
local function reader_of(channel, bytes)
    local start = bytes:raw(0, math.min(bytes:len(), 16))
    if start:match("^PRI %* HTTP/2") then return Dissector.get("http2") end
    if start:match("^[A-Z]+ ") or start:match("^HTTP/1") then return Dissector.get("http") end
    if start:match("^\22\3") then return Dissector.get("tls") end
    return DissectorTable.get("tcp.port"):get_dissector(channel.port)
end

-- Each channel is a conversation of its own to the dissectors above: its two halves stand in for the ports.
local function call(reader, channel, bytes, pinfo, tree, last)
    local from, to = pinfo.src_port, pinfo.dst_port
    local client = channel.client == end_of(pinfo)
    local sender, receiver = bit.rshift(channel.id, 16), bit.band(channel.id, 0xffff)
    pinfo.src_port, pinfo.dst_port = client and sender or receiver, client and receiver or sender
    pinfo.can_desegment = last and 0 or 2
    pinfo.desegment_len, pinfo.desegment_offset = 0, 0
    pcall(function() reader:call(bytes:tvb("Channel " .. string.format("%08x", channel.id)), pinfo, tree) end)
    local missing, offset = pinfo.desegment_len, pinfo.desegment_offset
    pinfo.desegment_len, pinfo.desegment_offset = 0, 0
    pinfo.src_port, pinfo.dst_port = from, to
    return missing, offset
end

-- Hands the octets of one direction of a channel over, message by message. What was handed over is kept in `packet`.
-- Of a message longer than the preference allows, the beginning alone is.
local function hand_over(packet, channel, direction, pinfo, tree, last)
    if not mtatls.prefs.content then return end
    if not packet.bytes and not packet.given_up then
        local waiting = channel.waiting[direction]
        if not channel.reader and waiting then channel.reader = reader_of(channel, waiting.bytes) or "none" end
        if not waiting or waiting.bytes:len() == 0 or channel.reader == "none" then return end
        if not last and waiting.bytes:len() < waiting.needed then
            packet.given_up = true
            return
        end
        packet.bytes, packet.last = waiting.bytes, last or waiting.bytes:len() > mtatls.prefs.longest
        waiting.bytes, waiting.needed = ByteArray.new(), 0
        local missing, offset = call(channel.reader, channel, packet.bytes, pinfo, tree, packet.last)
        if packet.last and not last then
            waiting.skip = math.huge
        elseif not packet.last and missing ~= 0 then
            -- The two highest values say that it is not known how much is missing.
            local rest, known = packet.bytes:len() - offset, missing > 0 and missing < 0x0ffffffe
            if known and rest + missing > mtatls.prefs.longest then
                packet.last, waiting.skip = true, missing
                call(channel.reader, channel, packet.bytes, pinfo, tree, true)
            else
                waiting.bytes = rest > 0 and packet.bytes:subset(offset, rest) or ByteArray.new()
                waiting.needed = rest + (known and missing or 1)
            end
        end
        return
    end
    if packet.bytes then call(channel.reader, channel, packet.bytes, pinfo, tree, packet.last) end
end

local function vector(tvb, offset, limit)
    if offset + 2 > limit then return nil end
    local length = tvb(offset, 2):uint()
    if offset + 2 + length > limit then return nil end
    return length
end

local readers = {}

readers[1] = function(p)
    local tvb, at, limit, tree = p.tvb, p.body, p.limit, p.tree
    if limit - at < 10 then return false end
    tree:add(f.sender, tvb(at, 2)); tree:add(f.window, tvb(at + 2, 4)); tree:add(f.max, tvb(at + 6, 4))
    local sender, window, max = tvb(at, 2):uint(), tvb(at + 2, 4):uint(), tvb(at + 6, 4):uint()
    at = at + 10
    local source = vector(tvb, at, limit)
    if not source or source == 0 or at + 4 + source > limit then return false end
    tree:add(f.source, tvb(at + 2, source)); tree:add(f.source_port, tvb(at + 2 + source, 2))
    local from = tvb(at + 2, source):string() .. ":" .. tvb(at + 2 + source, 2):uint()
    at = at + 4 + source
    local destination = vector(tvb, at, limit)
    if not destination or destination == 0 or at + 4 + destination ~= limit then return false end
    tree:add(f.destination, tvb(at + 2, destination)); tree:add(f.destination_port, tvb(at + 2 + destination, 2))
    local port = tvb(at + 2 + destination, 2):uint()
    local to = tvb(at + 2, destination):string() .. ":" .. port
    p.text = string.format("open %04x %s > %s", sender, from, to)
    if p.first then
        p.session.pending[p.from .. sender] = {
            client = p.from, sender = sender, port = port, route = from .. " > " .. to, frame = p.number,
            limits = { [p.to] = max }, left = { [p.to] = window }, waiting = {},
        }
    end
    return true
end

readers[2] = function(p)
    local tvb, at, tree = p.tvb, p.body, p.tree
    if p.limit - at ~= 12 then return false end
    local sender, receiver = tvb(at, 2):uint(), tvb(at + 2, 2):uint()
    tree:add(f.sender, tvb(at, 2)); tree:add(f.receiver, tvb(at + 2, 2)); tree:add(f.channel, tvb(at, 4))
    tree:add(f.window, tvb(at + 4, 4)); tree:add(f.max, tvb(at + 8, 4))
    if p.first then
        local channel = p.session.pending[p.to .. sender]
        p.session.pending[p.to .. sender] = nil
        if channel then
            channel.id = tvb(at, 4):uint()
            channel.left[p.to], channel.limits[p.to] = tvb(at + 4, 4):uint(), tvb(at + 8, 4):uint()
            p.session.channels[channel.id] = channel
            p.kept.channel = channel
        end
    end
    p.text = string.format("opened %04x%04x", sender, receiver)
    return true
end

readers[3] = function(p)
    local tvb, at, tree = p.tvb, p.body, p.tree
    if p.limit - at < 4 then return false end
    local length = vector(tvb, at + 2, p.limit)
    if not length or at + 4 + length ~= p.limit then return false end
    tree:add(f.sender, tvb(at, 2))
    if length > 0 then tree:add(f.error, tvb(at + 4, length), tvb(at + 4, length):string(ENC_UTF_8)) end
    tree:add_proto_expert_info(refused)
    if p.first then
        p.kept.channel = p.session.pending[p.to .. tvb(at, 2):uint()]
        p.session.pending[p.to .. tvb(at, 2):uint()] = nil
    end
    p.text = string.format("refused %04x", tvb(at, 2):uint())
    return true
end

-- Packets 4, 5, 7 and 8 begin with a channel id.
local function of_channel(size, read)
    return function(p)
        if p.limit - p.body ~= size then return false end
        local id = p.tvb(p.body, 4):uint()
        p.tree:add(f.channel, p.tvb(p.body, 4))
        if p.first then p.kept.channel = p.session.channels[id] end
        p.text = read(p, id, p.kept.channel)
        return true
    end
end

readers[4] = of_channel(4, function(p, id, channel)
    p.at_end = true
    return string.format("close %08x", id)
end)
readers[5] = of_channel(4, function(p, id, channel)
    if p.first and channel then p.session.channels[id] = nil end
    return string.format("closed %08x", id)
end)
readers[7] = of_channel(8, function(p, id, channel)
    p.tree:add(f.max, p.tvb(p.body + 4, 4))
    if p.first and channel then channel.limits[p.to] = math.max(channel.limits[p.to] or 0, p.tvb(p.body + 4, 4):uint()) end
    return string.format("max %08x %d", id, p.tvb(p.body + 4, 4):uint())
end)
readers[8] = of_channel(8, function(p, id, channel)
    p.tree:add(f.free, p.tvb(p.body + 4, 4))
    if p.first and channel and channel.left[p.to] then
        channel.left[p.to] = channel.left[p.to] + p.tvb(p.body + 4, 4):uint()
        p.kept.left = channel.left[p.to]
    end
    return string.format("ack %08x +%d", id, p.tvb(p.body + 4, 4):uint())
end)

readers[PLAINTEXT] = function(p)
    local tvb, at, tree = p.tvb, p.body, p.tree
    local id, length = tvb(at, 4):uint(), p.limit - at - 4
    tree:add(f.channel, tvb(at, 4))
    if length > 0 then tree:add(f.data, tvb(at + 4, length)) end
    p.text = string.format("data %08x %d", id, length)
    if p.first then
        local channel = p.session.channels[id]
        p.kept.channel = channel
        if channel then
            p.kept.overlong = channel.limits[p.from] and length > channel.limits[p.from]
            if channel.left[p.from] then
                channel.left[p.from] = channel.left[p.from] - length
                p.kept.left = channel.left[p.from]
            end
            local waiting = channel.waiting[p.from] or { bytes = ByteArray.new(), needed = 0, skip = 0 }
            channel.waiting[p.from] = waiting
            local skipped = math.min(waiting.skip, length)
            waiting.skip = waiting.skip - skipped
            if length > skipped and mtatls.prefs.content then
                waiting.bytes = waiting.bytes .. tvb(at + 4 + skipped, length - skipped):bytes()
            end
        end
    end
    p.content = p.kept.channel ~= nil
    if p.kept.overlong then tree:add_proto_expert_info(too_long) end
    return true
end

local function dissect(tvb, pinfo, root, session)
    local offset, total = 0, tvb:len()
    local texts = {}
    while offset < total do
        local rest = total - offset
        local kind = tvb(offset, 1):uint()
        if not names[kind] then
            local tree = root:add(mtatls, tvb(offset), "MTA-TLS, unknown packet type " .. kind)
            tree:add(f.type, tvb(offset, 1))
            tree:add_proto_expert_info(unknown_type)
            table.insert(texts, "unknown type " .. kind)
            break
        end
        -- The length of packet 6 has four octets and counts its data alone; that of all others two, and counts their body.
        local header = kind == PLAINTEXT and 5 or 3
        local needed = header
        if rest >= header then
            needed = kind == PLAINTEXT and 9 + tvb(offset + 1, 4):uint() or 3 + tvb(offset + 1, 2):uint()
        end
        if rest < header or rest < needed then
            pinfo.desegment_offset = offset
            pinfo.desegment_len = rest < header and DESEGMENT_ONE_MORE_SEGMENT or needed - rest
            break
        end

        place = place + 1
        local key = pinfo.number .. ":" .. place
        local kept = packets[key]
        local first = kept == nil
        if first then
            kept = {}
            packets[key] = kept
        end
        local range = tvb(offset, needed)
        local tree = root:add(mtatls, range, "MTA-TLS " .. names[kind])
        tree:add(f.type, tvb(offset, 1))
        tree:add(f.length, tvb(offset + 1, header - 1))
        local from, to = end_of(pinfo), tostring(pinfo.dst) .. ":" .. pinfo.dst_port
        local p = {
            tvb = tvb, body = offset + header, limit = offset + needed, tree = tree, session = session, from = from, to = to,
            number = pinfo.number, first = first, kept = kept,
        }
        if readers[kind](p) then
            tree:append_text(", " .. p.text)
            table.insert(texts, p.text)
        else
            tree:add_proto_expert_info(malformed)
            table.insert(texts, "malformed " .. names[kind])
        end
        local channel = kept.channel
        if channel then
            tree:add(f.route, range, channel.route):set_generated()
            tree:add(f.opened, range, channel.frame):set_generated()
        end
        if kept.left then
            tree:add(f.left, range, Int64.new(kept.left)):set_generated()
            if kept.left < 0 then tree:add_proto_expert_info(overrun) end
        end
        if channel and channel.id and (p.content or p.at_end) then
            pinfo.cols.info:clear_fence()
            pinfo.cols.info = ""
            hand_over(kept, channel, from, pinfo, root, p.at_end == true)
            local said = tostring(pinfo.cols.info):gsub("%s+$", "")
            if said ~= "" and said ~= "(info)" and kept.bytes then texts[#texts] = texts[#texts] .. " [" .. said .. "]" end
            pinfo.cols.info:clear_fence()
        end
        offset = offset + needed
    end
    if #texts > 0 then
        pinfo.cols.protocol = "MTA-TLS"
        local before = session.frame == pinfo.number and session.info .. ", " or ""
        session.frame, session.info = pinfo.number, before .. table.concat(texts, ", ")
        pinfo.cols.info = session.info
    end
    return total
end

local function established()
    local stream = stream_of()
    if not stream then return nil end
    local session = sessions[stream.value]
    return session and session.established and session or nil
end

function mtatls.dissector(tvb, pinfo, tree)
    learn()
    local session = established()
    if session then return dissect(tvb, pinfo, tree, session) end
    return 0
end

-- Where ALPN chose HTTP, TLS calls the dissector of that name: ours stands before it and passes on what is not ours.
local protocols = DissectorTable.get("tls.alpn")
for _, alpn in ipairs({ "http/1.1", "h2" }) do
    local ordinary = protocols:get_dissector(alpn)
    local first = Proto("mtatls_" .. alpn:gsub("%W", ""), "MTA-TLS or " .. alpn)
    function first.dissector(tvb, pinfo, tree)
        learn()
        local session = established()
        if session then return dissect(tvb, pinfo, tree, session) end
        return ordinary and ordinary:call(tvb, pinfo, tree) or 0
    end
    protocols:add(alpn, first)
end

-- Without ALPN, TLS asks the heuristics.
mtatls:register_heuristic("tls", function(tvb, pinfo, tree)
    learn()
    local session = established()
    if not session then return false end
    dissect(tvb, pinfo, tree, session)
    return true
end)

local watcher = Proto("mtatls_watch", "MTA-TLS sessions")
function watcher.dissector()
    learn()
    place = 0
    local session = established()
    if session then session.frame = nil end
end
register_postdissector(watcher)
