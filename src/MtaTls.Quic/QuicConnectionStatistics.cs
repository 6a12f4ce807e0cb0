namespace MtaTls.Quic;

/// <summary>Counters of one connection since it began.</summary>
/// <param name="PacketsReceived">UDP payloads received.</param>
/// <param name="PacketsSent">UDP payloads given to the operating system.</param>
/// <param name="BytesReceived">Octets of the UDP payloads received.</param>
/// <param name="BytesSent">Octets of the UDP payloads sent.</param>
/// <param name="DatagramsReceived">DATAGRAM frames received.</param>
/// <param name="DatagramsSent">DATAGRAM frames sent.</param>
/// <param name="DatagramsLost">DATAGRAM frames sent that were declared lost.</param>
/// <param name="DatagramsDropped">Datagrams dropped from the queue: the path no longer took their size, or the connection closed.</param>
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
