namespace MtaTls.Tls;

/// <summary>Appends session keys to a file in the SSLKEYLOGFILE format. On Unix, a new file can be read by its owner only.</summary>
internal sealed class KeyLog(string path) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly FileStream _file = Open(path);

    public void Write(ReadOnlySpan<byte> line)
    {
        lock (_gate)
        {
            try
            {
                _file.Write([.. line, (byte)'\n']);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // The key log is for debugging: its failure must not end the application's sessions.
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _file.Dispose();
        }
    }

    private static FileStream Open(string path)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.Append,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new FileStream(path, options);
    }
}
