using System.Globalization;
using Microsoft.Extensions.Logging;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>
/// The qlog file of one connection, as ngtcp2 writes it (draft-ietf-quic-qlog-main-schema, JSON text sequences). It is created when the handshake is complete, so that a client without a
/// certificate cannot create files; earlier events are kept in memory until then. The loop's thread waits for each write, so qlog is only for finding faults.
/// </summary>
internal sealed class QlogFile(string directory, string name, TimeProvider time, ILogger logger) : IDisposable
{
    /// <summary>The most bytes in one file. Later events are left out.</summary>
    public const long MaxLength = 64 * 1024 * 1024;

    /// <summary>The most files that one process creates. Further connections get none.</summary>
    public const int MaxFiles = 1_000;

    private const int MaxPending = 256 * 1024;

    private static int s_files;
    private MemoryStream? _pending = new();
    private FileStream? _file;
    private long _length;

    public void Write(ReadOnlySpan<byte> data)
    {
        if (_pending is { } pending)
        {
            if (pending.Length + data.Length <= MaxPending)
            {
                pending.Write(data);
            }
        }
        else if (_file is not null && (_length += data.Length) <= MaxLength)
        {
            TryWrite(data);
        }
    }

    /// <summary>Creates the file, because the handshake is complete.</summary>
    public void Open()
    {
        if (_pending is not { } pending)
        {
            return;
        }

        _pending = null;
        if (Interlocked.Increment(ref s_files) > MaxFiles)
        {
            return;
        }

        try
        {
            string now = time.GetUtcNow().ToString("yyyyMMdd-HHmmss-fff", CultureInfo.InvariantCulture);
            _file = new FileStream(Path.Combine(directory, $"{now}-{name}.sqlog"), FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 64 * 1024);
            Write(pending.GetBuffer().AsSpan(0, (int)pending.Length));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.QlogFailed(logger, directory, exception.Message);
        }
    }

    public void Dispose()
    {
        _pending = null;
        try
        {
            _file?.Dispose();
        }
        catch (IOException exception)
        {
            Log.QlogFailed(logger, directory, exception.Message);
        }

        _file = null;
    }

    private void TryWrite(ReadOnlySpan<byte> data)
    {
        try
        {
            _file!.Write(data);
        }
        catch (IOException exception)
        {
            Log.QlogFailed(logger, directory, exception.Message);
            _file = null; // The disk may be full: write no more, and keep the connection.
        }
    }
}
