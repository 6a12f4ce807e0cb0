namespace MtaTls.Configuration;

/// <summary>Identifies a version of a file by its time and length. Reading it costs very little compared with a handshake. It also detects mounted secrets, where a link to a directory is replaced.</summary>
internal readonly record struct FileStamp(DateTime Written, long Length)
{
    /// <summary>Returns the stamp of the file at a path; the default value when there is no file.</summary>
    public static FileStamp Of(string? path)
    {
        if (path is null)
        {
            return default;
        }

        try
        {
            FileSystemInfo file = File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path);
            return file.Exists ? new FileStamp(file.LastWriteTimeUtc, ((FileInfo)file).Length) : default;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return default;
        }
    }
}
