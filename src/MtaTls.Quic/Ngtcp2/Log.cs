using System.Net;
using Microsoft.Extensions.Logging;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>What QUIC logs, in the category MtaTls.Quic.</summary>
internal static partial class Log
{
    public const string Category = "MtaTls.Quic";

    [LoggerMessage(1, LogLevel.Debug, "QUIC connection {Id} with {Remote} is up, application protocol {Protocol}.", EventName = "QuicConnected")]
    public static partial void Connected(ILogger logger, long id, IPEndPoint remote, string? protocol);

    [LoggerMessage(2, LogLevel.Debug, "QUIC connection {Id} has ended: {Reason}.", EventName = "QuicClosed")]
    public static partial void Closed(ILogger logger, long id, QuicCloseReason reason);

    [LoggerMessage(3, LogLevel.Debug, "QUIC connection {Id} now goes from {Local} to {Remote}.", EventName = "QuicPathChanged")]
    public static partial void PathChanged(ILogger logger, long id, IPEndPoint local, IPEndPoint remote);

    [LoggerMessage(4, LogLevel.Information, "QUIC connection {Id} did not move to {Local}: {Why}.", EventName = "QuicMigrationFailed")]
    public static partial void MigrationFailed(ILogger logger, long id, IPEndPoint local, string why);

    [LoggerMessage(5, LogLevel.Information, "QUIC connection {Id}: the peer's certificate was refused: {Failure}", EventName = "QuicCertificateRefused")]
    public static partial void CertificateRefused(ILogger logger, long id, string failure);

    [LoggerMessage(6, LogLevel.Error, "QUIC connection {Id}: the peer's certificate could not be validated, and was refused.", EventName = "QuicCertificateFailed")]
    public static partial void CertificateFailed(ILogger logger, long id, Exception exception);

    [LoggerMessage(7, LogLevel.Error, "QUIC connection {Id}: its handler threw when it was told of the end.", EventName = "QuicHandlerFailed")]
    public static partial void HandlerFailed(ILogger logger, long id, Exception exception);

    [LoggerMessage(8, LogLevel.Critical, "A QUIC loop has ended by an unexpected error; its connections are gone.", EventName = "QuicLoopFailed")]
    public static partial void LoopFailed(ILogger logger, Exception exception);

    [LoggerMessage(9, LogLevel.Information, "QUIC listens on {EndPoints} with {Shards} thread(s), {Library}.", EventName = "QuicListening")]
    public static partial void Listening(ILogger logger, string endPoints, int shards, string? library);

    [LoggerMessage(13, LogLevel.Warning, "A qlog file in {Directory} cannot be written: {Reason}", EventName = "QlogFailed")]
    public static partial void QlogFailed(ILogger logger, string directory, string reason);

    [LoggerMessage(10, LogLevel.Error, "A QUIC connection from {Remote} could not be accepted.", EventName = "QuicAcceptFailed")]
    public static partial void AcceptFailed(ILogger logger, IPEndPoint remote, Exception exception);

    [LoggerMessage(11, LogLevel.Error, "QUIC connection {Id} was ended by an unexpected error.", EventName = "QuicConnectionFailed")]
    public static partial void ConnectionFailed(ILogger logger, long id, Exception exception);

    [LoggerMessage(12, LogLevel.Error, "An unexpected error in a QUIC loop; it goes on.", EventName = "QuicActionFailed")]
    public static partial void ActionFailed(ILogger logger, Exception exception);
}
