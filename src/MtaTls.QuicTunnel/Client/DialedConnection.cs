using System.Net;
using MtaTls.Quic;

namespace MtaTls.QuicTunnel.Client;

/// <summary>A connection attempt to one of the concentrator's addresses.</summary>
internal sealed record DialedConnection(IQuicConnection Connection, ClientConnection Handler, IPEndPoint Server);
