using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace ContainerIR.Shippers;

/// <summary>TLS that is verified: name and chain, always. There is no switch to turn it off; a receiver with a certificate of its own is given with --ca.</summary>
internal static class SecureTransport
{
    public static SslClientAuthenticationOptions OptionsFor(ShipTarget target)
    {
        SslClientAuthenticationOptions options = new() { TargetHost = target.Address.Host };
        if (target.Authorities is { } authorities)
        {
            X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(authorities);
            options.CertificateChainPolicy = policy;
        }

        return options;
    }

    public static HttpClient ClientFor(ShipTarget target) => new(new SocketsHttpHandler
    {
        SslOptions = OptionsFor(target),
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(15),
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        AutomaticDecompression = DecompressionMethods.None,
    })
    {
        Timeout = TimeSpan.FromSeconds(60),
        MaxResponseContentBufferSize = 16 << 20,
    };
}
