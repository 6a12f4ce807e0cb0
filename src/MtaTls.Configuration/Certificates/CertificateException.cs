namespace MtaTls.Configuration;

/// <summary>A configured certificate cannot be had.</summary>
/// <param name="setting">The setting that is to blame, such as KeyPath; empty: the whole section.</param>
/// <param name="message">What is wrong, with the file's name.</param>
/// <param name="innerException">The cause.</param>
internal sealed class CertificateException(string setting, string message, Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>The setting that is to blame; empty: the whole section.</summary>
    public string Setting => setting;

    /// <summary>The full key of the setting.</summary>
    /// <param name="section">The key of the certificate's section.</param>
    public string Key(string section) => setting.Length == 0 ? section : $"{section}:{setting}";
}
