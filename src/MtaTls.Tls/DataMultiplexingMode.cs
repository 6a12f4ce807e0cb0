namespace MtaTls.Tls;

/// <summary>How a server handles the <c>data_multiplexing</c> extension (draft-badra-tls-multiplexing-01, section 2.1).</summary>
public enum DataMultiplexingMode
{
    /// <summary>Answers the extension when a client offers it. All other clients get ordinary TLS. The default.</summary>
    Allowed,

    /// <summary>
    /// Refuses a client that does not offer the extension, with the fatal alert <c>missing_extension</c> (109) in TLS 1.3 and
    /// <c>handshake_failure</c> (40) in TLS 1.2.
    /// </summary>
    Required,

    /// <summary>Never answers the extension. Every client gets ordinary TLS.</summary>
    Disabled,
}
