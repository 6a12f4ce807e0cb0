namespace MtaTls.Benchmarks;

/// <summary>A way to carry many HTTP exchanges between one client and one server. These are compared.</summary>
internal enum Contender
{
    /// <summary>Kestrel without TLS, HTTP/1.1: the lower bound.</summary>
    Plain,

    /// <summary>Kestrel HTTPS (SslStream), HTTP/1.1, a TLS connection for each stream.</summary>
    Http1,

    /// <summary>Kestrel HTTPS (SslStream), HTTP/2, up to 100 streams on a connection (Kestrel's default).</summary>
    Http2,

    /// <summary>OpenSSH <c>-L</c> to plain-text Kestrel: every stream is an SSH channel.</summary>
    Ssh,

    /// <summary>Nerdbank.Streams' MultiplexingStream over SslStream; its channels are connections of the same Kestrel.</summary>
    Nerdbank,

    /// <summary>MTA-TLS with ALPN http/1.1: every stream is a channel.</summary>
    MtaTls,

    /// <summary>MTA-TLS with ALPN h2: up to 100 streams on a channel.</summary>
    MtaTlsHttp2,
}

internal static class Contenders
{
    public static readonly Contender[] All = Enum.GetValues<Contender>();

    public static bool SpeaksHttp2(this Contender contender) => contender is Contender.Http2 or Contender.MtaTlsHttp2;

    public static string Title(this Contender contender) => contender switch
    {
        Contender.Plain => "plain-text h1",
        Contender.Http1 => "HTTPS h1",
        Contender.Http2 => "HTTPS h2",
        Contender.Ssh => "OpenSSH -L",
        Contender.Nerdbank => "Nerdbank mux",
        Contender.MtaTls => "MTA-TLS h1",
        Contender.MtaTlsHttp2 => "MTA-TLS h2",
        _ => contender.ToString(),
    };
}
