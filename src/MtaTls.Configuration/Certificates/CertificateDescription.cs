using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Configuration;

/// <summary>An immutable copy of <see cref="CertificateOptions"/>. Two descriptions of the same certificate are equal.</summary>
internal sealed record CertificateDescription
{
    public string? Path { get; private init; }

    public string? KeyPath { get; private init; }

    public string? Password { get; private init; }

    public string? Subject { get; private init; }

    public string? Thumbprint { get; private init; }

    public string Store { get; private init; } = nameof(StoreName.My);

    public StoreLocation Location { get; private init; } = StoreLocation.CurrentUser;

    public bool AllowInvalid { get; private init; }

    public GivenCertificate? Given { get; private init; }

    public bool IsFile => Path is not null;

    public bool IsStore => Subject is not null || Thumbprint is not null;

    public bool IsEmpty => !IsFile && !IsStore && Given is null;

    /// <summary>Creates a description with full paths and default values.</summary>
    /// <param name="options">The options.</param>
    /// <param name="contentRoot">The directory that relative paths start from.</param>
    public static CertificateDescription Of(CertificateOptions options, string contentRoot) => new()
    {
        Path = FullPath(options.Path, contentRoot),
        KeyPath = FullPath(options.KeyPath, contentRoot),
        Password = NullIfEmpty(options.Password),
        Subject = NullIfEmpty(options.Subject),
        Thumbprint = NullIfEmpty(options.Thumbprint),
        Store = NullIfEmpty(options.Store) ?? nameof(StoreName.My),
        Location = options.Location ?? StoreLocation.CurrentUser,
        AllowInvalid = options.AllowInvalid ?? false,
        Given = options.Certificate is { } certificate ? new GivenCertificate(certificate, options.Intermediates ?? []) : null,
    };

    private static string? FullPath(string? path, string contentRoot) => string.IsNullOrEmpty(path) ? null : System.IO.Path.GetFullPath(path, contentRoot);

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
