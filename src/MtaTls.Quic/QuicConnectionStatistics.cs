namespace MtaTls.Quic;

/// <summary>Counters of one connection since it was created.</summary>
/// <param name="PacketsReceived">UDP payloads received.</param>
/// <param name="PacketsSent">UDP payloads passed to the operating system, including those that it refused.</param>
/// <param name="BytesReceived">Bytes of the UDP payloads received.</param>
/// <param name="BytesSent">Bytes of the UDP payloads sent.</param>
/// <param name="DatagramsReceived">DATAGRAM frames received.</param>
/// <param name="DatagramsSent">DATAGRAM frames sent.</param>
/// <param name="DatagramsLost">Sent DATAGRAM frames that were declared lost.</param>
/// <param name="DatagramsDropped">Datagrams dropped from the queue, because they were too large for the path or the connection closed.</param>
/// <param name="SendErrors">UDP payloads that the operating system refused.</param>
internal readonly record struct QuicConnectionStatistics(
    long PacketsReceived,
    long PacketsSent,
    long BytesReceived,
    long BytesSent,
    long DatagramsReceived,
    long DatagramsSent,
    long DatagramsLost,
    long DatagramsDropped,
    long SendErrors);
