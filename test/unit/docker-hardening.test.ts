import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { service, services } from '../support/compose.ts';

/** Their start scripts write beside the program; docker-compose.yml explains each. */
const WRITABLE = ['temporal-ui', 'kafka', 'namenode', 'datanode', 'notebooks'];

/** Its start script uses sudo; it gets only the capabilities that this needs. */
const WITH_SUDO = ['namenode', 'datanode'];
const SUDO_NEEDS = ['SETUID', 'SETGID', 'AUDIT_WRITE'];

void describe('A container of docker-compose.yml', () => {
  it('gives no container a capability of root, or a way to get one', () => {
    for (const [name, { cap_drop, cap_add, security_opt, privileged, pid, ipc, devices }] of services) {
      const withSudo = WITH_SUDO.includes(name);
      assert.deepEqual(cap_drop, ['ALL'], name);
      assert.deepEqual(cap_add, withSudo ? SUDO_NEEDS : [], name);
      assert.deepEqual(security_opt, withSudo ? [] : ['no-new-privileges:true'], name);
      assert.deepEqual(
        { privileged, pid, ipc, devices },
        { privileged: false, pid: undefined, ipc: undefined, devices: [] },
      );
    }
  });

  it('lets a container write only to its volumes and to memory, except those with a documented reason', () => {
    const writable = services.filter(([, { read_only: readOnly }]) => !readOnly).map(([name]) => name);
    assert.deepEqual(writable.sort(), [...WRITABLE].sort());
  });

  it('runs no container as root: by its image’s user, or one named here', () => {
    // The Dockerfiles of the other images end with a USER that is not root.
    assert.equal(service('postgresql').user, 'postgres');
    for (const [name, { user }] of services) assert.doesNotMatch(user ?? 'other', /^(root|0)(:|$)/, name);
  });

  it('mounts no file of the host for writing, and no socket of Docker', () => {
    for (const [name, { volumes }] of services) {
      for (const volume of volumes) {
        if (/^[./]/.test(volume)) assert.match(volume, /^\.\/.*:ro$/, `${name}: ${volume}`);
      }
    }
  });
});
