using System.Net;
using Microsoft.Extensions.Logging;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>Log messages of the category MtaTls.Quic.</summary>
internal static partial class Log
{
    public const string Category = "MtaTls.Quic";

    [LoggerMessage(1, LogLevel.Debug, "QUIC connection {Id} with {Remote} is connected, application protocol {Protocol}.", EventName = "QuicConnected")]
    public static partial void Connected(ILogger logger, long id, IPEndPoint remote, string? protocol);

    [LoggerMessage(2, LogLevel.Debug, "QUIC connection {Id} ended: {Reason}.", EventName = "QuicClosed")]
    public static partial void Closed(ILogger logger, long id, QuicCloseReason reason);

    [LoggerMessage(3, LogLevel.Debug, "QUIC connection {Id} now uses the path from {Local} to {Remote}.", EventName = "QuicPathChanged")]
    public static partial void PathChanged(ILogger logger, long id, IPEndPoint local, IPEndPoint remote);

    [LoggerMessage(4, LogLevel.Information, "QUIC connection {Id} did not migrate to {Local} and stays on its path: {Why}.", EventName = "QuicMigrationFailed")]
    public static partial void MigrationFailed(ILogger logger, long id, IPEndPoint local, string why);

    [LoggerMessage(5, LogLevel.Information, "QUIC connection {Id} refused the peer's certificate: {Failure}.", EventName = "QuicCertificateRefused")]
    public static partial void CertificateRefused(ILogger logger, long id, string failure);

    [LoggerMessage(6, LogLevel.Error, "QUIC connection {Id} refused the peer's certificate, because its validation threw an exception.", EventName = "QuicCertificateFailed")]
    public static partial void CertificateFailed(ILogger logger, long id, Exception exception);

    [LoggerMessage(7, LogLevel.Error, "The handler of QUIC connection {Id} threw an exception in OnClosed. The connection ended all the same.", EventName = "QuicHandlerFailed")]
    public static partial void HandlerFailed(ILogger logger, long id, Exception exception);

    [LoggerMessage(8, LogLevel.Critical, "A QUIC thread ended because of an unexpected exception, and so did all its connections. Restart the process.", EventName = "QuicLoopFailed")]
    public static partial void LoopFailed(ILogger logger, Exception exception);

    [LoggerMessage(9, LogLevel.Information, "QUIC listens on {EndPoints} with {Shards} thread(s), using {Library}.", EventName = "QuicListening")]
    public static partial void Listening(ILogger logger, string endPoints, int shards, string? library);

    [LoggerMessage(13, LogLevel.Warning, "The qlog file of a QUIC connection in {Directory} cannot be written: {Reason}", EventName = "QlogFailed")]
    public static partial void QlogFailed(ILogger logger, string directory, string reason);

    [LoggerMessage(10, LogLevel.Error, "The QUIC connection from {Remote} was refused, because the code that accepts it threw an exception.", EventName = "QuicAcceptFailed")]
    public static partial void AcceptFailed(ILogger logger, IPEndPoint remote, Exception exception);

    [LoggerMessage(11, LogLevel.Error, "QUIC connection {Id} ended because of an unexpected exception.", EventName = "QuicConnectionFailed")]
    public static partial void ConnectionFailed(ILogger logger, long id, Exception exception);

    [LoggerMessage(12, LogLevel.Error, "An unexpected exception on a QUIC thread. The thread and its connections continue.", EventName = "QuicActionFailed")]
    public static partial void ActionFailed(ILogger logger, Exception exception);

    [LoggerMessage(14, LogLevel.Information, "QUIC connection {Id} stays with the server's first address, because the announced address {Preferred} does not answer.", EventName = "QuicPreferredAddressFailed")]
    public static partial void PreferredAddressFailed(ILogger logger, long id, IPEndPoint preferred);
}
