import { useSignal } from '@preact/signals';
import { useLayoutEffect } from 'preact/hooks';
import { session, signIn } from './api/session.js';
import { Mark } from './components/icons.js';
import { ThemeButton } from './components/theme-button.js';

export function Login() {
  const busy = useSignal(false);
  const reason = session.value.state === 'out' ? session.value.reason : null;
  useLayoutEffect(() => {
    document.title = 'Sign in · Elbo';
  }, []);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const token = new FormData(event.currentTarget as HTMLFormElement).get('token');
    busy.value = true;
    await signIn(String(token).trim());
    busy.value = false;
  };
  return (
    <main class="login">
      <form class="card login-card" onSubmit={submit}>
        <div class="login-title">
          <Mark />
          <h1>Elbo</h1>
          <ThemeButton />
        </div>
        <label for="token">Token of the cluster</label>
        <input
          id="token"
          name="token"
          type="password"
          autoComplete="current-password"
          required
          spellcheck={false}
          aria-describedby="token-help"
          aria-invalid={reason !== null}
        />
        <p id="token-help" class="muted">
          The value of ELBO_TOKEN, or of ELBO_READ_TOKEN to look without touching. For the page of{' '}
          <code>elbo dashboard</code>, open the link that it printed.
        </p>
        <p role="alert" class="problem-line">
          {reason}
        </p>
        <button type="submit" class="primary" disabled={busy.value}>
          {busy.value ? 'Signing in …' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}
