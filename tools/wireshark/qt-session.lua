-- Wireshark and tshark: QUIC tunnel session mode (draft-piraux-intarea-quic-tunnel-session-00) inside decrypted QUIC.
--
-- Install: copy this file to the personal plugin folder (Help > About Wireshark > Folders), or
--   tshark -X lua_script:qt-session.lua -o tls.keylog_file:keys.log -r capture.pcapng
-- QUIC has to be decrypted first: the environment variable SSLKEYLOGFILE makes either end write its keys
-- (docs/debugging.md).
--
-- A connection is recognised by its ALPN, qt-session. Its datagrams are shown as the IP packets that they carry, its
-- streams as the TLVs of the control stream and of Access Reports.

local qt = Proto("qt_session", "QUIC tunnel session")

local tlv_names = { [0] = "Access Report", [1] = "New Session", [2] = "Session ID", [3] = "Join Session" }
local access_names = { [1] = "3GPP", [2] = "non-3GPP" }
local signal_names = { [1] = "available", [2] = "unavailable" }
local payloads = { [0x0800] = "IPv4", [0x86dd] = "IPv6", [0x6558] = "Ethernet" }
local readers = { [0x0800] = "ip", [0x86dd] = "ipv6", [0x6558] = "eth_withoutfcs" }

local f = {
    protocol = ProtoField.uint16("qt_session.protocol_type", "Protocol Type", base.HEX, payloads),
    tag = ProtoField.uint16("qt_session.packet_tag", "Packet Tag", base.DEC),
    packet = ProtoField.bytes("qt_session.packet", "Packet"),
    type = ProtoField.uint8("qt_session.tlv.type", "Type", base.DEC, tlv_names),
    length = ProtoField.uint8("qt_session.tlv.length", "Length", base.DEC),
    value = ProtoField.bytes("qt_session.tlv.value", "Value"),
    session = ProtoField.bytes("qt_session.session_id", "Session id"),
    access = ProtoField.uint8("qt_session.access_id", "Access id", base.DEC, access_names, 0xf0),
    signal = ProtoField.uint8("qt_session.signal", "Signal", base.DEC, signal_names),
    stream = ProtoField.uint64("qt_session.stream", "Stream", base.DEC),
}
qt.fields = {}
for _, field in pairs(f) do table.insert(qt.fields, field) end

local malformed = ProtoExpert.new("qt_session.malformed", "Malformed", expert.group.MALFORMED, expert.severity.ERROR)
local unsupported = ProtoExpert.new("qt_session.unsupported", "Protocol type that no end of this kind carries", expert.group.PROTOCOL, expert.severity.WARN)
qt.experts = { malformed, unsupported }

local connection_number = Field.new("quic.connection.number")
local alpn = Field.new("tls.handshake.extensions_alpn_str")
local datagrams = Field.new("quic.dg")
local stream_ids = Field.new("quic.stream.stream_id")
local stream_data = Field.new("quic.stream_data")
local stream_offsets = Field.new("quic.stream.offset")

local tunnels = {}

function qt.init() tunnels = {} end

local function read_datagram(range, pinfo, root, texts)
    local tree = root:add(qt, range, "QUIC tunnel session, packet")
    if range:len() < 4 then
        tree:add_proto_expert_info(malformed)
        table.insert(texts, "malformed datagram")
        return
    end
    local protocol, tag = range(0, 2):uint(), range(2, 2):uint()
    tree:add(f.protocol, range(0, 2)); tree:add(f.tag, range(2, 2))
    local name = payloads[protocol]
    tree:append_text(string.format(", %s, tag %d", name or string.format("0x%04x", protocol), tag))
    if not name then tree:add_proto_expert_info(unsupported) end
    local text = string.format("%s tag %d", name or string.format("0x%04x", protocol), tag)
    if range:len() > 4 then
        tree:add(f.packet, range(4))
        if readers[protocol] then
            pinfo.cols.info:clear_fence()
            pinfo.cols.info = ""
            pcall(function() Dissector.get(readers[protocol]):call(range(4):tvb(), pinfo, root) end)
            text = text .. " [" .. tostring(pinfo.cols.protocol) .. " " .. tostring(pinfo.cols.info) .. "]"
            pinfo.cols.info:clear_fence()
        end
    end
    table.insert(texts, text)
end

local function read_stream(id, range, root, texts)
    local at = 0
    while at < range:len() do
        local tree = root:add(qt, range(at), "QUIC tunnel session")
        tree:add(f.stream, UInt64.new(id)):set_generated()
        if at + 2 > range:len() or at + 2 + range(at + 1, 1):uint() > range:len() then
            tree:add_proto_expert_info(malformed)
            table.insert(texts, "malformed TLV")
            return
        end
        local kind, length = range(at, 1):uint(), range(at + 1, 1):uint()
        tree:set_len(2 + length)
        tree:add(f.type, range(at, 1)); tree:add(f.length, range(at + 1, 1))
        local text = tlv_names[kind] or ("TLV " .. kind)
        tree:append_text(", " .. text)
        local value = length > 0 and range(at + 2, length)
        if kind == 0 then
            if length == 2 then
                tree:add(f.access, value(0, 1)); tree:add(f.signal, value(1, 1))
                local access, signal = bit.rshift(value(0, 1):uint(), 4), value(1, 1):uint()
                text = text .. " " .. (access_names[access] or access) .. " " .. (signal_names[signal] or signal)
            else
                tree:add_proto_expert_info(malformed)
            end
        elseif (kind == 2 or kind == 3) and value then
            tree:add(f.session, value)
        elseif value then
            tree:add(f.value, value)
        end
        if not tlv_names[kind] then tree:add_proto_expert_info(malformed) end
        table.insert(texts, text)
        at = at + 2 + length
    end
end

function qt.dissector(_, pinfo, root)
    local number = connection_number()
    if not number then return end
    for _, name in ipairs({ alpn() }) do
        if name.value:match("^qt%-session") then tunnels[number.value] = true end
    end
    if not tunnels[number.value] then return end

    local before = tostring(pinfo.cols.info)
    local texts = {}
    local ids, parts = { stream_ids() }, { stream_data() }
    -- Messages are a few octets, so each comes in one frame: a frame at an offset repeats or continues nothing of ours.
    if #ids == #parts and #{ stream_offsets() } == 0 then
        for i, part in ipairs(parts) do
            local id = tonumber(tostring(ids[i].value))
            if bit.band(id, 2) == 2 then read_stream(id, part.range, root, texts) end
        end
    end
    for _, datagram in ipairs({ datagrams() }) do read_datagram(datagram.range, pinfo, root, texts) end
    if #texts > 0 then
        pinfo.cols.protocol = "QT-SESSION"
        pinfo.cols.info = table.concat(texts, ", ") .. " | " .. before
    end
end
register_postdissector(qt)
