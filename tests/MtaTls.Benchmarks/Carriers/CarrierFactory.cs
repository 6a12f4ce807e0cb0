using System.Net;
using System.Net.Security;
using MtaTls.Benchmarks.Server;

namespace MtaTls.Benchmarks.Carriers;

internal static class CarrierFactory
{
    /// <summary>Creates the contender's carrier. Multiplexers connect here, other carriers when a stream is opened.</summary>
    /// <param name="contender">The contender.</param>
    /// <param name="server">The server's processes and ports.</param>
    /// <param name="address">The address of the server or of a link.</param>
    /// <param name="port">The port of a relay, to connect to in place of the server's port; 0 for the server's port.</param>
    /// <param name="ct">Cancels the attempt.</param>
    public static async ValueTask<ICarrier> ConnectAsync(Contender contender, ServerInfo server, IPAddress address, int port, CancellationToken ct)
    {
        var endPoint = new IPEndPoint(address, port == 0 ? server.Port : port);
        return contender switch
        {
            Contender.Plain => new SocketCarrier(endPoint),
            Contender.Http1 => new TlsCarrier(endPoint, SslApplicationProtocol.Http11),
            Contender.Http2 => new TlsCarrier(endPoint, SslApplicationProtocol.Http2),
            Contender.Ssh => await SshCarrier.ConnectAsync(endPoint.Port, server.WebPort, server.SshKeyFile!, ct),
            Contender.Nerdbank => await NerdbankCarrier.ConnectAsync(endPoint, ct),
            Contender.MtaTls => await MtaTlsCarrier.ConnectAsync(endPoint, SslApplicationProtocol.Http11, ct),
            Contender.MtaTlsHttp2 => await MtaTlsCarrier.ConnectAsync(endPoint, SslApplicationProtocol.Http2, ct),
            _ => throw new ArgumentOutOfRangeException(nameof(contender)),
        };
    }
}
