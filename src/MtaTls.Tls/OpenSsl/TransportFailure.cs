namespace MtaTls.Tls.OpenSsl;

/// <summary>What a failing transport is to the users of a TLS connection: an IOException, unless they cancelled themselves.</summary>
internal static class TransportFailure
{
    public static Exception Of(Exception e, CancellationToken cancellationToken)
        => e is IOException || (e is OperationCanceledException && cancellationToken.IsCancellationRequested)
            ? e
            : new IOException("The connection below TLS failed.", e);
}
