namespace MtaTls.Tls.OpenSsl;

/// <summary>Converts a failure of the transport for the callers of a TLS connection: to an IOException, unless the caller canceled the operation.</summary>
internal static class TransportFailure
{
    public static Exception Of(Exception e, CancellationToken cancellationToken)
        => e is IOException || (e is OperationCanceledException && cancellationToken.IsCancellationRequested)
            ? e
            : new IOException("The connection below TLS failed.", e);
}
