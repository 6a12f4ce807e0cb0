namespace MtaTls.Protocol;

/// <summary>An end's role in the TLS handshake. It decides the top bit of the channel id halves that the end chooses: 0 at the client, 1 at the server.</summary>
internal enum MtaTlsRole
{
    /// <summary>The TLS client.</summary>
    Client,

    /// <summary>The TLS server.</summary>
    Server,
}
