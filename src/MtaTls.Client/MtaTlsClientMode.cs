namespace MtaTls.Client;

/// <summary>What a client does if the server does not answer the <c>data_multiplexing</c> extension (draft-badra-tls-multiplexing-01, section 2.1).</summary>
public enum MtaTlsClientMode
{
    /// <summary>
    /// Uses ordinary TLS instead, with one connection for each channel, if the channel's destination is the endpoint itself. A channel to
    /// another destination fails with <see cref="MtaTlsNotNegotiatedException"/>. The default.
    /// </summary>
    Preferred,

    /// <summary>Fails with <see cref="MtaTlsNotNegotiatedException"/>.</summary>
    Required,
}
